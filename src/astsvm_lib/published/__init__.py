"""The numbers that the paper prints, Tables 4 to 12, as it prints them: never to be mixed with what was run here."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from astsvm_lib.errors import CompanionError

FILE = Path(__file__).parent / "assets" / "published.csv"


def published(table: int) -> pd.DataFrame:
    """Rows of one of the paper's tables, in its order.

    Returns
    -------
    pandas.DataFrame
        Columns ``dataset`` (as data sets are called here), ``method``, ``reference`` (the paper's number for
        it), ``year``, ``uar`` and ``uf1``.

    Raises
    ------
    CompanionError
        If the table holds no results.
    """
    rows = pd.read_csv(FILE, dtype={"reference": "string", "year": "string"})
    found = rows[rows["table"] == table].drop(columns="table").reset_index(drop=True)
    if found.empty:
        known = ", ".join(map(str, sorted(rows["table"].unique())))
        raise CompanionError(f"published results: no table {table}; expected one of {known}")
    return found
