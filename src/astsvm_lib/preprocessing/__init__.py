"""Preprocessing of a clip's frames into a prepared clip, (10, 192, 192): section III.A.1 of the paper."""

from astsvm_lib.preprocessing.detection import find_landmarks
from astsvm_lib.preprocessing.interpolation import interpolate
from astsvm_lib.preprocessing.magnification import magnify
from astsvm_lib.preprocessing.pipeline import Prepared, prepare, prepare_frames
from astsvm_lib.preprocessing.registration import register

__all__ = ["Prepared", "find_landmarks", "interpolate", "magnify", "prepare", "prepare_frames", "register"]
