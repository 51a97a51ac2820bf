"""Figures of the book: one style, colours that a colour-blind reader can tell, alt text for each."""

from astsvm_lib.report.clip_figures import (
    change_images,
    draw_landmarks,
    face_images,
    flow_rgb,
    image_grid,
    portrait,
    three_groups,
)
from astsvm_lib.report.diagrams import architecture
from astsvm_lib.report.result_figures import (
    claims_figure,
    confusion_figure,
    difference_figure,
    learning_curves,
    score_bars,
)
from astsvm_lib.report.style import COLOURS, Content, draw_image, new_figure, show

__all__ = [
    "COLOURS",
    "Content",
    "architecture",
    "change_images",
    "claims_figure",
    "confusion_figure",
    "difference_figure",
    "draw_image",
    "draw_landmarks",
    "face_images",
    "flow_rgb",
    "image_grid",
    "learning_curves",
    "new_figure",
    "portrait",
    "score_bars",
    "show",
    "three_groups",
]
