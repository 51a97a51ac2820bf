import pytest

from astsvm_lib.datasets import available
from astsvm_lib.errors import CompanionError
from astsvm_lib.paper.published import published


def test_every_table_has_its_rows_and_scores_that_can_be():
    sizes = {4: 11, 5: 11, 6: 12, 7: 10, 8: 16, 9: 20, 10: 28, 11: 20, 12: 8}
    for table, size in sizes.items():
        rows = published(table)
        assert len(rows) == size
        assert rows[["uar", "uf1"]].stack().between(0, 1).all()
        assert set(rows["dataset"]) <= set(available())


def test_the_full_method_has_the_same_scores_in_tables_9_to_12():
    full = {table: published(table).query("method.str.upper() == 'AST+SVMNET'") for table in (9, 10, 11, 12)}
    for rows in full.values():
        assert rows[["dataset", "uar", "uf1"]].values.tolist() == full[9][["dataset", "uar", "uf1"]].values.tolist()


def test_a_table_without_results_is_refused():
    with pytest.raises(CompanionError, match="no table 3; expected one of 4, 5, 6"):
        published(3)
