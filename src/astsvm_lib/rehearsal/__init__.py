"""Rehearsal data: rendered faces with exactly known motion, light and labels."""

from astsvm_lib.rehearsal.capture import Capture
from astsvm_lib.rehearsal.clip_renderer import ClipRenderer, ClipSpec, Timing
from astsvm_lib.rehearsal.corpus import entries, others, spec_of
from astsvm_lib.rehearsal.design import DESIGNS

__all__ = ["DESIGNS", "Capture", "ClipRenderer", "ClipSpec", "Timing", "entries", "others", "spec_of"]
