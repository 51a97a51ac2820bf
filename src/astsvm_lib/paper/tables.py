"""The paper's Tables 4 to 12 as data: the method, head and changes of the recipe for each row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from astsvm_lib.errors import CompanionError

Changes = dict[str, dict[str, Any]]

#: Data set of this library -> data set of the paper, in the paper's order.
PUBLISHED_AS = {
    "casme2": "casme2", "rehearsal-casme2": "casme2",
    "smic-hs": "smic-hs", "rehearsal-smic": "smic-hs",
    "samm": "samm", "rehearsal-samm": "samm",
    "megc2019": "megc2019", "rehearsal-megc": "megc2019",
}  # fmt: skip
TITLES = {"casme2": "CASME II", "smic-hs": "SMIC-HS", "samm": "SAMM", "megc2019": "MEGC2019"}
REHEARSALS = tuple(name for name in PUBLISHED_AS if name.startswith("rehearsal-"))


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    name
        Label of the row; as printed in the paper if the paper's table has this row.
    method
        Name in :data:`~astsvm_lib.methods.METHODS`.
    head
        Classifier of the method whose predictions are scored.
    changes
        Changes of the requested recipe.
    beyond
        Whether the row is missing from the paper's table.
    """

    name: str
    method: str
    head: str = "svm"
    changes: Changes = field(default_factory=dict)
    beyond: bool = False

    @property
    def label(self) -> str:
        """The row's name, with a star if the paper's table has no such row."""
        return self.name + ("\N{NO-BREAK SPACE}*" if self.beyond else "")


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    Attributes
    ----------
    number, title
        As printed.
    rows
        The paper's rows in its order, then the rows added here.
    full
        Name of the row of the full method, with which all other rows are compared.
    datasets
        Rehearsals of the data sets in the table.
    """

    number: int
    title: str
    rows: tuple[Row, ...]
    full: str = "AST+SVMNET"
    datasets: tuple[str, ...] = REHEARSALS

    def row(self, name: str) -> Row:
        """The row with this name.

        Raises
        ------
        CompanionError
            If there is no such row; the message lists the names.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise CompanionError(
            f"Table {self.number} has no row '{name}'; expected one of {', '.join(row.name for row in self.rows)}"
        )

    def with_rows(self, more: Iterable[Row]) -> Table:
        """The table with more rows at its end."""
        return replace(self, rows=(*self.rows, *more))


FULL = Row("AST+SVMNET", "ast-svmnet")
SOFTMAX = Row("AST+SVMNET (Softmax)", "ast-svmnet", "softmax", beyond=True)
DEFAULTS = Row("AST+SVMNET (SVM, library defaults)", "ast-svmnet", "svm-defaults", beyond=True)
LINEAR = Row("AST+SVMNET (linear SVM)", "ast-svmnet", "svm-linear", beyond=True)
#: Baselines in every table.
BASELINES = (
    Row("Untrained network (SVM)", "untrained", beyond=True),
    Row("Linear SVM, no network", "pooled-svm", beyond=True),
    Row("MEGC baseline", "megc-baseline", beyond=True),
    Row("Majority class", "majority", "majority", beyond=True),
)
FLOW, IDSF = {"inception": {"streams": "flow"}}, {"inception": {"streams": "idsf"}}


def _by_head(name: str, **changes: dict[str, Any]) -> tuple[Row, ...]:
    """Rows of the paper's two heads of a network."""
    return tuple(Row(f"{name} ({head})", "ast-svmnet", head.lower(), changes) for head in ("SVM", "Softmax"))


def _with_others(title: str, number: int, dataset: str) -> Table:
    """A table of section IV.C: the full method and the published methods that are implemented here."""
    return Table(
        number,
        title,
        (
            Row("LBP-TOP", "lbp-top"),
            Row("STLBP-IP", "stlbp-ip", beyond=True),
            Row("Bi-WOOF", "bi-woof"),
            Row("OFF-ApexNet", "off-apexnet", "softmax"),
            Row("STSTNet", "ststnet", "softmax", beyond=True),
            FULL,
            SOFTMAX,
            DEFAULTS,
            *BASELINES,
        ),
        datasets=(dataset,),
    )


TABLES = {
    table.number: table
    for table in (
        _with_others("Results on CASME II", 4, "rehearsal-casme2"),
        _with_others("Results on SMIC-HS", 5, "rehearsal-smic"),
        _with_others("Results on SAMM", 6, "rehearsal-samm"),
        _with_others("Results on MEGC2019", 7, "rehearsal-megc"),
        Table(
            8,
            "Hand-crafted features",
            (
                Row("LBP-TOP", "lbp-top"),
                Row("STLBP-IP", "stlbp-ip"),
                Row("BI-WOOF", "bi-woof"),
                Row("IDSF (Ours)", "ast-svmnet", "svm", IDSF),
                Row("IDSF (Softmax)", "ast-svmnet", "softmax", IDSF, beyond=True),
                Row("IDSF (untrained network, SVM)", "untrained", "svm", IDSF, beyond=True),
                Row("IDSF (linear SVM, no network)", "pooled-svm", "svm", IDSF, beyond=True),
                *BASELINES[2:],
            ),
            "IDSF (Ours)",
        ),
        Table(
            9,
            "Input features",
            (
                *_by_head("Optical Flow-only", inception={"streams": "flow"}),
                *_by_head("IDSF-only", inception={"streams": "idsf"}),
                FULL,
                SOFTMAX,
                Row("Optical flow (linear SVM, no network)", "pooled-svm", "svm", FLOW, beyond=True),
                Row("IDSF (linear SVM, no network)", "pooled-svm", "svm", IDSF, beyond=True),
                *BASELINES,
            ),
        ),
        Table(
            10,
            "Attention",
            (
                *_by_head("Without FAM", attention={"modules": "none"}),
                *_by_head("CAM-only", attention={"modules": "cam"}),
                *_by_head("SAM-only", attention={"modules": "sam"}),
                FULL,
                SOFTMAX,
                *BASELINES,
            ),
        ),
        Table(
            11,
            "Inception modules",
            (
                *_by_head("2D IM-only", inception={"modules": "2d"}),
                *_by_head("3D IM-only", inception={"modules": "3d"}),
                FULL,
                SOFTMAX,
                *BASELINES,
            ),
        ),
        Table(12, "Classifier", (Row("FC+Softmax", "ast-svmnet", "softmax"), FULL, LINEAR, DEFAULTS, *BASELINES)),
    )
}


def table_numbered(number: int) -> Table:
    """The table with this number.

    Raises
    ------
    CompanionError
        If there is no such table; the message lists the numbers.
    """
    if number not in TABLES:
        raise CompanionError(f"no table {number}; expected one of {', '.join(map(str, TABLES))}")
    return TABLES[number]
