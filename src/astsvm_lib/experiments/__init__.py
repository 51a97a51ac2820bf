"""What is run, how it is run, and what is kept of it: profiles, the LOSO runner, records."""

from astsvm_lib.experiments.profiles import PROFILES, Profile, profile_named
from astsvm_lib.experiments.record import Record
from astsvm_lib.experiments.run import Run, plan
from astsvm_lib.experiments.runner import evaluate
from astsvm_lib.experiments.store import Store

__all__ = ["PROFILES", "Profile", "Record", "Run", "Store", "evaluate", "plan", "profile_named"]
