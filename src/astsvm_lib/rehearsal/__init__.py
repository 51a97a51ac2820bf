"""Rehearsal data: rendered faces whose motion, light and labels are known exactly."""

from astsvm_lib.rehearsal.capture import Capture
from astsvm_lib.rehearsal.corpus import entries, others, script_of
from astsvm_lib.rehearsal.design import DESIGNS
from astsvm_lib.rehearsal.performance import ClipScript, Performance, Timing

__all__ = ["DESIGNS", "Capture", "ClipScript", "Performance", "Timing", "entries", "others", "script_of"]
