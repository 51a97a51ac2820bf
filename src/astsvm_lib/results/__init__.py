"""Stored results: records, the folder in which they are stored, and data frames of all records.

>>> from astsvm_lib import results
>>> results.load()      # all predictions  # doctest: +SKIP
>>> results.scores()    # all scores       # doctest: +SKIP
"""

from astsvm_lib.results.frames import load, runs, scores
from astsvm_lib.results.measurements import measured
from astsvm_lib.results.record import Record, RunKey
from astsvm_lib.results.store import Store, results_folder

__all__ = [
    "Record",
    "RunKey",
    "Store",
    "load",
    "measured",
    "results_folder",
    "runs",
    "scores",
]
