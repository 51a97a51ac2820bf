"""Variants of the default recipe, with one choice changed at a time; compared on the development data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Variant:
    """One change of the recipe.

    Attributes
    ----------
    reading
        Identifier of the reading, R1 to R15.
    name
        Short description.
    changes
        Arguments of :meth:`~astsvm_lib.recipe.Recipe.replace`.
    question
        Question that the variant answers.
    """

    reading: str
    name: str
    changes: dict[str, dict[str, Any]]
    question: str


VARIANTS = (
    Variant("R2", "no registration", {"registration": {"scope": "none"}}, "Does registration matter without motion?"),
    Variant("R2", "no shape model", {"registration": {"shape_model": "none"}}, "Does the ASM improve on dlib?"),
    Variant("R3", "no magnification", {"magnification": {"alpha": 1.0}}, "Does magnification help at all?"),
    Variant("R3", "alpha 8", {"magnification": {"alpha": 8.0}}, "Does twice the magnification help more?"),
    Variant("R3", "alpha 16", {"magnification": {"alpha": 16.0}}, "And four times?"),
    Variant("R3", "anchored at the onset", {"magnification": {"anchor": "onset"}}, "Should the onset be magnified?"),
    Variant("R4", "linear sampling", {"interpolation": {"method": "linear"}}, "TIM, or equal-interval sampling?"),
    Variant("R5", "u", {"flow": {"component": "u"}}, "Horizontal or vertical flow?"),
    Variant("R5", "magnitude", {"flow": {"component": "magnitude"}}, "What is lost without the sign?"),
    Variant("R5", "u and v", {"flow": {"component": "both"}}, "What does the second component add?"),
    Variant("R5", "flow to the onset", {"flow": {"reference": "onset"}}, "From frame to frame, or since the onset?"),
    Variant("R6", "absolute", {"difference": {"sign": "absolute"}}, "Does the sign of a difference matter?"),
    Variant("R6", "standardised", {"difference": {"standardise": True}}, "Should all clips have the same variance?"),
    Variant("R6", "onset excluded", {"difference": {"onset": "excluded"}}, "Is the zero map of the onset needed?"),
    Variant("R6", "light matched", {"difference": {"light": "affine"}}, "Does compensation of light changes help?"),
    Variant("R7", "literal softmax", {"attention": {"activation": "softmax"}}, "What does Figure 3's softmax do?"),
    Variant("R7", "sigmoid", {"attention": {"activation": "sigmoid"}}, "And CBAM's sigmoid?"),
    Variant("R8", "shared MLP", {"attention": {"perceptron": "shared"}}, "One MLP for both paths of CAM, as in CBAM?"),
    Variant("R9", "strided", {"inception": {"downsampling": "strided"}}, "Should the down-sampling be learned?"),
    Variant("R9", "bilinear", {"inception": {"downsampling": "bilinear"}}, "Is averaging over a block necessary?"),
    Variant("R10", "2D for IDSF, 3D for flow", {"inception": {"modules": "split"}}, "Which stream has which module?"),
    Variant("R11", "softmax over the features", {"head": {"softmax": "concatenate"}}, "What if it is read literally?"),
    Variant("R12", "balanced SVM", {"transfer": {"class_weights": "balanced"}}, "Does the SVM need class weights?"),
    Variant("R13", "inputs as they are", {"training": {"input_scale": "none"}}, "Do the inputs need to be scaled?"),
    Variant("R13", "balanced loss", {"training": {"class_weights": "balanced"}}, "Does the loss need class weights?"),
    Variant("R13", "Glorot attention", {"training": {"attention_start": "glorot"}}, "Does it need a neutral start?"),
)  # fmt: skip
