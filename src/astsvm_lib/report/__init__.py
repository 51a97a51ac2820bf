"""Figures of the book: a common style, a palette for colour-blind readers, and alt text for every figure.

The names below are imported lazily, so that tables can be used without Matplotlib.
"""

from typing import TYPE_CHECKING

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "clip_figures": [
            "change_images",
            "draw_landmarks",
            "draw_wheel",
            "face_images",
            "flow_colours",
            "image_grid",
            "portrait",
            "three_groups",
        ],
        "diagrams": ["Block", "architecture", "block_diagram"],
        "multiverse_figures": ["specification_curve", "variance_figure"],
        "player": ["Panel", "play", "slide"],
        "result_figures": [
            "claims_figure",
            "confusion_figure",
            "difference_figure",
            "forest_figure",
            "learning_curves",
            "score_bars",
            "score_forest",
            "shared_limits",
        ],
        "style": ["COLOURS", "Content", "draw_image", "new_figure", "show"],
    },
)

if TYPE_CHECKING:
    from astsvm_lib.report.clip_figures import change_images as change_images
    from astsvm_lib.report.clip_figures import draw_landmarks as draw_landmarks
    from astsvm_lib.report.clip_figures import draw_wheel as draw_wheel
    from astsvm_lib.report.clip_figures import face_images as face_images
    from astsvm_lib.report.clip_figures import flow_colours as flow_colours
    from astsvm_lib.report.clip_figures import image_grid as image_grid
    from astsvm_lib.report.clip_figures import portrait as portrait
    from astsvm_lib.report.clip_figures import three_groups as three_groups
    from astsvm_lib.report.diagrams import Block as Block
    from astsvm_lib.report.diagrams import architecture as architecture
    from astsvm_lib.report.diagrams import block_diagram as block_diagram
    from astsvm_lib.report.multiverse_figures import specification_curve as specification_curve
    from astsvm_lib.report.multiverse_figures import variance_figure as variance_figure
    from astsvm_lib.report.player import Panel as Panel
    from astsvm_lib.report.player import play as play
    from astsvm_lib.report.player import slide as slide
    from astsvm_lib.report.result_figures import claims_figure as claims_figure
    from astsvm_lib.report.result_figures import confusion_figure as confusion_figure
    from astsvm_lib.report.result_figures import difference_figure as difference_figure
    from astsvm_lib.report.result_figures import forest_figure as forest_figure
    from astsvm_lib.report.result_figures import learning_curves as learning_curves
    from astsvm_lib.report.result_figures import score_bars as score_bars
    from astsvm_lib.report.result_figures import score_forest as score_forest
    from astsvm_lib.report.result_figures import shared_limits as shared_limits
    from astsvm_lib.report.style import COLOURS as COLOURS
    from astsvm_lib.report.style import Content as Content
    from astsvm_lib.report.style import draw_image as draw_image
    from astsvm_lib.report.style import new_figure as new_figure
    from astsvm_lib.report.style import show as show
