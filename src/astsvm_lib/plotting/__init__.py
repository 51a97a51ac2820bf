"""Figures of the book: one style, colours that a colour-blind reader can tell, alt text for each."""

from astsvm_lib.plotting.clips import draw_landmarks, filmstrip, flow_rgb, image_grid, three_groups
from astsvm_lib.plotting.diagrams import architecture
from astsvm_lib.plotting.results import confusion_figure, learning_curves, score_bars
from astsvm_lib.plotting.style import COLOURS, new_figure, show

__all__ = [
    "COLOURS",
    "architecture",
    "confusion_figure",
    "draw_landmarks",
    "filmstrip",
    "flow_rgb",
    "image_grid",
    "learning_curves",
    "new_figure",
    "score_bars",
    "show",
    "three_groups",
]
