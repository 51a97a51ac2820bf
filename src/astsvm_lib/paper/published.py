"""Results as printed in the paper, Tables 4 to 12; separate from the results of this project."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from astsvm_lib.errors import CompanionError

FILE = Path(__file__).parent / "assets" / "published.csv"


def published(table: int) -> pd.DataFrame:
    """Rows of a table of the paper, in the printed order.

    Returns
    -------
    pandas.DataFrame
        Columns ``dataset`` (identifier in this library), ``method``, ``reference`` (number in the paper's
        bibliography), ``year``, ``uar`` and ``uf1``.

    Raises
    ------
    CompanionError
        If there is no such table, or it contains no results.
    """
    rows = pd.read_csv(FILE, dtype={"reference": "string", "year": "string"})
    found = rows[rows["table"] == table].drop(columns="table").reset_index(drop=True)
    if found.empty:
        known = ", ".join(map(str, sorted(rows["table"].unique())))
        raise CompanionError(f"published results: no table {table}; expected one of {known}")
    return found
