"""Annotation sheets as they are found: a header somewhere in the first rows, columns under several names."""

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
from astsvm_lib.datasets.tree import Visit

#: Rows at the top of a sheet in which its header is looked for.
HEADER_WITHIN = 30
ENDINGS = (".xlsx", ".csv")


@dataclass(frozen=True)
class Row:
    """One row of an annotation sheet.

    Attributes
    ----------
    number
        As a spreadsheet program counts rows.
    values
        Cell of each column that the manifest asks for; for a column that stands several times, the
        first. Empty cells are None.
    pairs
        (onset, offset) of each expression in the row, for sheets that put several into one.
    """

    number: int
    values: dict[str, Any]
    pairs: tuple[tuple[int, int], ...] = ()

    def text(self, column: str) -> str:
        """A cell as text; whole numbers without a decimal point."""
        value = self.values.get(column)
        if value is None:
            return ""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return str(value).strip()

    def frame(self, column: str) -> int | None:
        """A cell as a frame number; None where there is none, such as ``/``."""
        return _frame(self.values.get(column))


def _frame(value: Any) -> int | None:
    try:
        number = float(str(value).strip())
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def _plain(name: Any) -> str:
    """A column's name without case, spaces and marks: ``Onset Frame`` and ``OnsetFrame`` are one."""
    return re.sub(r"[^a-z]", "", str(name).lower())


def _tables(path: Path) -> dict[str, pd.DataFrame]:
    """The tables of a file, by name, without any header."""
    if path.suffix.lower() == ".csv":
        return {"": pd.read_csv(path, header=None, dtype=str, encoding_errors="replace")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl, on extensions of the format
        return dict(pd.read_excel(path, sheet_name=None, header=None, dtype=object))


def _header(table: pd.DataFrame, annotation: Annotation) -> tuple[int, dict[str, list[int]]] | None:
    """Number of the header row, and the columns of each name; None if no row has all of them."""
    wanted = {key: {_plain(name) for name in names} for key, names in annotation.columns.items()}
    for number in range(min(HEADER_WITHIN, len(table))):
        cells = [_plain(value) for value in table.iloc[number]]
        # A column that stands several times is numbered in some sheets; _plain takes the number away.
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


def _candidates(visit: Visit, subjects: Path, annotation: Annotation) -> list[Path]:
    """Files that may be the sheet, the likeliest first: by name, then those beside the subjects' folders."""
    files = [
        path
        for folder in visit.walk(lambda folder: folder == subjects)
        for path in visit.entries(folder)
        if path.suffix.lower() in (*ENDINGS, ".xls") and path.is_file() and not path.name.startswith((".", "~"))
    ]
    named = [p for p in files if any(fnmatch(p.name.lower(), pattern.lower()) for pattern in annotation.files)]
    beside = [p for p in files if p not in named and subjects.is_relative_to(p.parent)]
    return sorted(named, key=lambda p: p.suffix.lower() == ".xls") + beside


def read_sheet(visit: Visit, subjects: Path, annotation: Annotation, clip_name: re.Pattern[str]) -> list[Row] | None:
    """The rows of a database's annotation sheet.

    Parameters
    ----------
    visit
        Takes the faults: no sheet, a sheet that cannot be read, or another database's.
    subjects
        Folder of the subjects: the sheet lies in it, or in one between it and the root.
    annotation
        What the manifest declares.
    clip_name
        What the clips' names look like: tells one database's sheet from another's.

    Returns
    -------
    list of Row, or None
        None where there is no sheet that can be used.
    """
    wrong = []
    for path in _candidates(visit, subjects, annotation):
        if path.suffix.lower() == ".xls":
            wrong.append(f"{visit.name(path)}: expected .xlsx or .csv, found the old .xls; save it as .xlsx")
            continue
        try:
            tables = _tables(path)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, pd.errors.ParserError) as error:
            wrong.append(
                f"{visit.name(path)}: expected an annotation sheet, found a file that cannot be read ({error})"
            )
            continue
        for table in tables.values():
            header = _header(table, annotation)
            if header is None:
                continue
            rows = _rows(table, *header)
            strange = [row for row in rows if not clip_name.fullmatch(row.text("clip"))]
            if rows and len(strange) <= len(rows) / 2:
                return rows
            seen = strange[0].text("clip") if strange else "no rows"
            wrong.append(
                f"{visit.name(path)}: expected this database's clips in the sheet, found {seen}; is it another's?"
            )
        if not any(line.startswith(visit.name(path)) for line in wrong):
            wanted = ", ".join(names[0] for names in annotation.columns.values())
            titles = [str(v) for t in tables.values() for v in t.iloc[0] if not pd.isna(v)] if tables else []
            wrong.append(
                f"{visit.name(path)}: expected a header row with {wanted}; found {', '.join(titles[:8]) or 'nothing'}"
            )
    if not wrong:
        wrong = [
            f"annotation sheet: expected {' or '.join(annotation.files)}, found none; put it beside the "
            "subjects' folders"
        ]
    (visit.faults if annotation.required else visit.notes).extend(wrong)
    return None
