"""Experiments: profiles, runs, the LOSO runner and its executors.

The names below are imported lazily, so that the command line can read the profiles alone.
"""

from typing import TYPE_CHECKING

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "profiles": ["PROFILES", "Profile", "profile_named"],
        "run": ["Run", "plan"],
        "runner": ["evaluate", "is_current"],
        "stored": ["find_record", "require_record"],
    },
)

if TYPE_CHECKING:
    from astsvm_lib.experiments.profiles import PROFILES as PROFILES
    from astsvm_lib.experiments.profiles import Profile as Profile
    from astsvm_lib.experiments.profiles import profile_named as profile_named
    from astsvm_lib.experiments.run import Run as Run
    from astsvm_lib.experiments.run import plan as plan
    from astsvm_lib.experiments.runner import evaluate as evaluate
    from astsvm_lib.experiments.runner import is_current as is_current
    from astsvm_lib.experiments.stored import find_record as find_record
    from astsvm_lib.experiments.stored import require_record as require_record
