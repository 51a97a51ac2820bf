"""All choices that the paper leaves open (R1-R15), as one immutable value.

A :class:`Recipe` sets the choice for each reading. The book's page of readings is generated from the metadata
in this file.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from astsvm_lib.choices import Choices, Part, choice

#: Length of every prepared clip (R4, Table 1).
FRAMES = 10


class Naming(Part):
    """Name of the feature (R1)."""

    difference: Literal["IDSF", "ISDF"] = choice(
        "R1", "IDSF", "abbreviation of the image difference sequence feature in figures; the paper uses both"
    )


class Registration(Part):
    """Registration of the face to the crop (R2)."""

    scope: Literal["clip", "frame", "none"] = choice(
        "R2", "clip", "one transform per clip, estimated on the onset; one per frame; or only a box around the face"
    )
    transform: Literal["similarity", "affine"] = choice("R2", "similarity", "transform fitted to the landmarks")
    shape_model: Literal["asm", "none"] = choice(
        "R2", "asm", "regularise the 68 landmarks by the point distribution model, or use dlib's unchanged"
    )


class Magnification(Part):
    """Eulerian video magnification (R3)."""

    alpha: float = choice("R3", 4.0, "magnification factor of Wu et al. 2012; 1 is no magnification", ge=1, le=64)
    lambda_c: float = choice("R3", 8.0, "spatial cut-off wavelength, in pixels of the 192 px crop", gt=0)
    low_hz: float = choice("R3", 0.5, "lower edge of the temporal band", gt=0)
    high_hz: float = choice("R3", 10.0, "upper edge of the temporal band", gt=0)
    temporal: Literal["ideal", "iir"] = choice(
        "R3", "ideal", "zero-phase ideal filter with even reflection, or the original's causal difference of two IIRs"
    )
    anchor: Literal["none", "onset"] = choice(
        "R3",
        "none",
        "add the magnified variation, or its change since the onset, which then stays as recorded",
    )


class Interpolation(Part):
    """Temporal interpolation of a clip to ten frames (R4)."""

    method: Literal["tim", "linear"] = choice(
        "R4", "tim", "temporal interpolation model on the path graph, or equal-interval linear sampling"
    )
    components: int | Literal["all"] = choice(
        "R4", 9, "number of eigenfunctions kept: 9 smooth the noise of longer clips, all pass through every frame"
    )


class Flow(Part):
    """Optical flow (R5)."""

    method: Literal["lucas-kanade", "tv-l1", "dis"] = choice(
        "R5", "lucas-kanade", "the paper's; or, as a modern reference, TV-L1 or DIS with OpenCV's default parameters"
    )
    reference: Literal["adjacent", "onset"] = choice("R5", "adjacent", "frame from which the flow is computed")
    component: Literal["v", "u", "magnitude", "both"] = choice(
        "R5", "v", "vertical, horizontal, or their magnitude: one channel, as in Table 1; or both in a stream each"
    )
    window_sigma: float = choice("R5", 7.0, "Lucas-Kanade: standard deviation of the Gaussian window, in pixels", gt=0)
    iterations: int = choice("R5", 3, "Lucas-Kanade: warping iterations per level", ge=1, le=20)
    levels: int = choice("R5", 2, "Lucas-Kanade: pyramid levels", ge=1, le=6)
    tikhonov: float = choice("R5", 1.0, "Lucas-Kanade: regularisation added to the structure tensor's diagonal", ge=0)


class Difference(Part):
    """The image difference sequence feature (R6)."""

    sign: Literal["signed", "absolute"] = choice("R6", "signed", "keep the sign of I_i - I_onset or drop it")
    grey_range: Literal["0-1", "0-255"] = choice(
        "R6", "0-1", "scale of the grey values before subtraction; at 0-255 the attention saturates"
    )
    onset: Literal["included", "excluded"] = choice(
        "R6", "included", "frame 1 of ten is the onset, so D_1 = 0; or the ten frames that follow the onset"
    )
    standardise: bool = choice("R6", False, "divide each clip's differences by their standard deviation")
    light: Literal["none", "affine"] = choice(
        "R6", "none", "before subtraction, match each frame's grey values to the onset's by a robust affine fit"
    )


class Attention(Part):
    """CAM, SAM and their order (R7, R8)."""

    modules: Literal["fam", "cam", "sam", "none"] = choice("R8", "fam", "CAM and SAM (FAM), one of them, or none")
    activation: Literal["scaled-softmax", "softmax", "sigmoid"] = choice(
        "R7", "scaled-softmax", "softmax over frames (CAM) or positions (SAM), rescaled to mean 1; unscaled; or sigmoid"
    )
    order: Literal["channel-first", "spatial-first"] = choice("R8", "channel-first", "module that is applied first")
    perceptron: Literal["separate", "shared"] = choice(
        "R8", "separate", "one MLP for each path of CAM, or one shared by both"
    )
    hidden_units: int = choice("R8", 5, "width of the MLP's hidden layer; not given in the paper", ge=1)
    kernel_size: int = choice("R8", 7, "size of SAM's convolution kernel; not given in the paper", ge=1)


class Inception(Part):
    """Down-sampling, streams and modules (R9, R10)."""

    downsampling: Literal["average", "strided", "bilinear"] = choice("R9", "average", "method from 192x192 to 32x32")
    streams: Literal["both", "flow", "idsf"] = choice("R10", "both", "input features of the network")
    modules: Literal["both", "2d", "3d", "split"] = choice(
        "R10", "both", "2D and 3D module in each stream; one of them; or the 2D module for IDSF and the 3D for flow"
    )


class Head(Part):
    """Position of the softmax (R11)."""

    softmax: Literal["classifier", "concatenate"] = choice(
        "R11", "classifier", "softmax only in the training head; or also, literally, over the concatenated channels"
    )


class Transfer(Part):
    """The support vector machine (R12)."""

    kernel: Literal["rbf", "linear", "polynomial", "chi-squared"] = choice("R12", "rbf", "kernel of the SVM")
    tuning: Literal["inner", "none"] = choice(
        "R12",
        "inner",
        "C, gamma and standardise by inner validation, grouped by subject, in the training fold; or as given below",
    )
    C: float = choice("R12", 1.0, "penalty of the SVM", gt=0)
    gamma: float | Literal["scale"] = choice(
        "R12",
        "scale",
        "1 / (number of features x their variance), for chi-squared 1 / (mean distance); or a positive number",
    )
    standardise: bool = choice("R12", True, "standardise the features on the training fold")
    scale_floor: float = choice(
        "R12",
        0.01,
        "no feature is divided by less than this share of the largest standard deviation; 0: by its own",
        ge=0,
        le=1,
    )
    class_weights: Literal["none", "balanced"] = choice(
        "R12", "none", "equal penalties, or inversely proportional to the class frequencies in the training fold"
    )

    @model_validator(mode="after")
    def _no_value_is_ignored(self) -> Self:
        fields = type(self).model_fields
        given = [name for name in ("C", "gamma", "standardise") if getattr(self, name) != fields[name].default]
        if self.tuning == "inner" and given:
            raise ValueError(f"{', '.join(given)} would not be used: inner validation chooses them; set tuning to none")
        return self


class Optimisation(Part):
    """Training of a network: Adam on the cross-entropy (R13)."""

    learning_rate: float = choice("R13", 1e-3, "learning rate of Adam; IV.B", gt=0)
    batch_size: int = choice("R13", 32, "clips per step; IV.B", ge=1)
    class_weights: Literal["none", "balanced"] = choice("R13", "none", "weight of each class in the loss")


class Training(Optimisation):
    """Training of the paper's network (R13)."""

    input_scale: Literal["deviation", "none"] = choice(
        "R13", "deviation", "divide each input by its standard deviation over the training fold, or use it as it is"
    )
    attention_start: Literal["neutral", "glorot"] = choice(
        "R13",
        "neutral",
        "last kernels of CAM and SAM are initialised to 0, so that all attention weights are equal; or Glorot",
    )
    batch_norm_momentum: float = choice(
        "R13", 0.9, "Keras's default of 0.99 is too slow for the few steps on these databases", ge=0, lt=1
    )


class Recipe(Choices):
    """All readings of the paper, R1-R15, grouped by stage; see the chapter "The readings".

    Examples
    --------
    >>> Recipe().magnification.alpha
    4.0
    >>> Recipe.from_dict({"flow": {"reference": "onset"}}).flow.reference
    'onset'
    """

    called: ClassVar[str] = "recipe"

    naming: Naming = Naming()
    registration: Registration = Registration()
    magnification: Magnification = Magnification()
    interpolation: Interpolation = Interpolation()
    flow: Flow = Flow()
    difference: Difference = Difference()
    attention: Attention = Attention()
    inception: Inception = Inception()
    head: Head = Head()
    transfer: Transfer = Transfer()
    training: Training = Training()
