"""Reading annotation sheets of any distribution: the header row and the names of the columns vary."""

from __future__ import annotations

import re
import warnings
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pandas as pd

from astsvm_lib.datasets.manifest import Annotation
from astsvm_lib.datasets.tree import Scan

#: Number of rows at the top of a sheet that are searched for the header.
HEADER_WITHIN = 30
ENDINGS = (".xlsx", ".csv")


@dataclass(frozen=True)
class Row:
    """One row of an annotation sheet.

    Attributes
    ----------
    number
        Row number as in a spreadsheet program, counted from 1.
    values
        Cell of each column in the manifest; of repeated columns, the first. Empty cells are None.
    pairs
        (onset, offset) of each expression, for sheets with several expressions per row.
    """

    number: int
    values: dict[str, Any]
    pairs: tuple[tuple[int, int], ...] = ()

    def text(self, column: str) -> str:
        """A cell as text; integers have no decimal point."""
        value = self.values.get(column)
        if value is None:
            return ""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return str(value).strip()

    def frame(self, column: str) -> int | None:
        """A cell as a frame number; None if it is not an integer, such as ``/``."""
        return _frame(self.values.get(column))


def _frame(value: Any) -> int | None:
    try:
        number = float(str(value).strip())
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def _plain(name: Any) -> str:
    """A column's name in lower case, letters only: ``Onset Frame`` and ``OnsetFrame`` are the same."""
    return re.sub(r"[^a-z]", "", str(name).lower())


def _tables(path: Path) -> dict[str, pd.DataFrame]:
    """The tables of a file by name, with the header among the rows."""
    if path.suffix.lower() == ".csv":
        return {"": pd.read_csv(path, header=None, dtype=str, encoding_errors="replace")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl, about format extensions
        return dict(pd.read_excel(path, sheet_name=None, header=None, dtype=object))


def _header(table: pd.DataFrame, annotation: Annotation) -> tuple[int, dict[str, list[int]]] | None:
    """Index of the header row, and the column indices of each name; None if no row has all names."""
    wanted = {key: {_plain(name) for name in names} for key, names in annotation.columns.items()}
    for number in range(min(HEADER_WITHIN, len(table))):
        cells = [_plain(value) for value in table.iloc[number]]
        # Repeated columns are numbered in some sheets; _plain removes the numbers.
        found: dict[str, list[int]] = {
            key: [i for i, cell in enumerate(cells) if cell in names] for key, names in wanted.items()
        }
        if all(found.values()):
            return number, found
    return None


def _rows(table: pd.DataFrame, header: int, columns: dict[str, list[int]]) -> list[Row]:
    rows = []
    for number in range(header + 1, len(table)):
        cells = table.iloc[number]
        values = {key: None if pd.isna(cells.iloc[at[0]]) else cells.iloc[at[0]] for key, at in columns.items()}
        if not str(values.get("clip") or "").strip():
            continue
        pairs = zip(columns.get("onset", ()), columns.get("offset", ()), strict=False)
        frames = [(_frame(cells.iloc[a]), _frame(cells.iloc[b])) for a, b in pairs]
        rows.append(Row(number + 1, values, tuple((a, b) for a, b in frames if a is not None and b is not None)))
    return rows


def _candidates(scan: Scan, subjects: Path, annotation: Annotation) -> list[Path]:
    """Files that may be the sheet: first those with a matching name, then those beside the subjects' folders."""
    files = [
        path
        for folder in scan.walk(lambda folder: folder == subjects)
        for path in scan.entries(folder)
        if path.suffix.lower() in (*ENDINGS, ".xls") and path.is_file() and not path.name.startswith((".", "~"))
    ]
    named = [p for p in files if any(fnmatch(p.name.lower(), pattern.lower()) for pattern in annotation.files)]
    beside = [p for p in files if p not in named and subjects.is_relative_to(p.parent)]
    return sorted(named, key=lambda p: p.suffix.lower() == ".xls") + beside


def read_sheet(scan: Scan, subjects: Path, annotation: Annotation, clip_name: re.Pattern[str]) -> list[Row] | None:
    """The rows of a database's annotation sheet.

    Parameters
    ----------
    scan
        Scan of the database's folders, to which errors are added: no sheet, an unreadable sheet, or the sheet of
        another database.
    subjects
        Folder that contains the subjects' folders; the sheet is in it, or in a folder between it and the root.
    annotation
        Declaration of the sheet.
    clip_name
        Pattern of the clips' names, which distinguishes the sheets of different databases.

    Returns
    -------
    list of Row, or None
        None if there is no usable sheet.
    """
    wrong = []
    for path in _candidates(scan, subjects, annotation):
        if path.suffix.lower() == ".xls":
            wrong.append(f"{scan.name(path)}: expected .xlsx or .csv, found the old .xls format; save it as .xlsx")
            continue
        try:
            tables = _tables(path)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, pd.errors.ParserError) as error:
            wrong.append(f"{scan.name(path)}: expected an annotation sheet, found an unreadable file ({error})")
            continue
        for table in tables.values():
            header = _header(table, annotation)
            if header is None:
                continue
            rows = _rows(table, *header)
            foreign = [row for row in rows if not clip_name.fullmatch(row.text("clip"))]
            if rows and len(foreign) <= len(rows) / 2:
                return rows
            found = foreign[0].text("clip") if foreign else "no rows"
            wrong.append(
                f"{scan.name(path)}: expected clips of this database in the sheet, found {found}; check whether it "
                "belongs to another database"
            )
        if not any(line.startswith(scan.name(path)) for line in wrong):
            wanted = ", ".join(names[0] for names in annotation.columns.values())
            titles = [str(v) for t in tables.values() for v in t.iloc[0] if not pd.isna(v)] if tables else []
            wrong.append(
                f"{scan.name(path)}: expected a header row with {wanted}; found {', '.join(titles[:8]) or 'nothing'}"
            )
    if not wrong:
        wrong = [
            f"annotation sheet: expected {' or '.join(annotation.files)}, found none; place it beside the "
            "subjects' folders"
        ]
    (scan.errors if annotation.required else scan.notes).extend(wrong)
    return None
