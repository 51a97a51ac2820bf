"""Every choice that the paper leaves open (R1-R15), as one frozen value.

A :class:`Recipe` names, for each reading, what was taken. The book's page of readings is generated from
the metadata in this file.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from astsvm_lib.choices import Choices, Part, choice


class Naming(Part):
    """What the feature is called (R1)."""

    difference: Literal["IDSF", "ISDF"] = choice(
        "R1", "IDSF", "what figures call the image difference sequence feature; the paper uses both names"
    )


class Registration(Part):
    """How a face is brought to its place in the crop (R2)."""

    scope: Literal["clip", "frame", "none"] = choice(
        "R2", "clip", "one transform per clip, estimated on the onset; one per frame; or a plain detector box"
    )
    transform: Literal["similarity", "affine"] = choice("R2", "similarity", "what the landmarks may be fitted with")
    shape_model: Literal["asm", "none"] = choice(
        "R2", "asm", "regularise the 68 landmarks by the point distribution model, or use them as dlib found them"
    )


class Magnification(Part):
    """Eulerian video magnification (R3)."""

    alpha: float = choice("R3", 4.0, "motion amplification of Wu et al. 2012; 1 leaves the clip alone", ge=1, le=64)
    lambda_c: float = choice("R3", 8.0, "spatial cut-off wavelength, in pixels of the 192 px crop", gt=0)
    low_hz: float = choice("R3", 0.5, "lower edge of the temporal band", gt=0)
    high_hz: float = choice("R3", 10.0, "upper edge of the temporal band", gt=0)
    temporal: Literal["ideal", "iir"] = choice(
        "R3", "ideal", "zero-phase ideal band with even reflection, or the original's causal difference of two IIRs"
    )


class Interpolation(Part):
    """From a clip's length to ten frames (R4)."""

    method: Literal["tim", "linear"] = choice(
        "R4", "tim", "temporal interpolation model on the path graph, or equal-interval linear sampling"
    )
    frames: Literal[10] = choice("R4", 10, "length of every prepared clip")
    components: int | Literal["all"] = choice(
        "R4", 9, "sines of the path graph that are kept: 9 smooth a longer clip's noise, all pass through its frames"
    )


class Flow(Part):
    """Optical flow (R5)."""

    method: Literal["lucas-kanade", "tv-l1", "dis"] = choice(
        "R5", "lucas-kanade", "the paper's; or, as a modern reference, TV-L1 or DIS with OpenCV's own parameters"
    )
    reference: Literal["adjacent", "onset"] = choice("R5", "adjacent", "frame against which each frame's flow is taken")
    component: Literal["magnitude", "u", "v"] = choice("R5", "magnitude", "the one channel that Table 1 has room for")
    window_sigma: float = choice("R5", 7.0, "Lucas-Kanade: standard deviation of the Gaussian window, in pixels", gt=0)
    iterations: int = choice("R5", 3, "Lucas-Kanade: warping iterations per level", ge=1, le=20)
    levels: int = choice("R5", 2, "Lucas-Kanade: pyramid levels", ge=1, le=6)
    tikhonov: float = choice("R5", 1.0, "Lucas-Kanade: regularisation added to the structure tensor's diagonal", ge=0)


class Difference(Part):
    """The image difference sequence feature (R6)."""

    sign: Literal["signed", "absolute"] = choice("R6", "signed", "keep the sign of I_i - I_onset or drop it")
    grey_range: Literal["0-1", "0-255"] = choice(
        "R6", "0-1", "scale of the grey values that are subtracted; at 0-255 the attention saturates"
    )
    onset: Literal["included", "excluded"] = choice(
        "R6", "included", "frame 1 is the onset, so D_1 = 0; or the ten frames after the onset of eleven"
    )
    standardise: bool = choice("R6", False, "divide each clip's differences by their standard deviation")
    light: Literal["none", "affine"] = choice(
        "R6", "none", "first map each frame's grey values to the onset's by a robust affine fit"
    )


class Attention(Part):
    """CAM, SAM and their order (R7, R8)."""

    modules: Literal["fam", "cam", "sam", "none"] = choice("R8", "fam", "fusion attention, one half of it, or none")
    activation: Literal["scaled-softmax", "softmax", "sigmoid"] = choice(
        "R7", "scaled-softmax", "softmax over frames (CAM) or positions (SAM), rescaled to mean 1; literal; or sigmoid"
    )
    order: Literal["channel-first", "spatial-first"] = choice("R8", "channel-first", "which block comes first")
    perceptron: Literal["separate", "shared"] = choice(
        "R8", "separate", "one MLP for each path of CAM, or one for both"
    )
    hidden_units: int = choice("R8", 5, "width of the MLP's hidden layer; the paper does not say", ge=1)
    kernel_size: int = choice("R8", 7, "side of SAM's convolution; the paper does not say", ge=1)


class Inception(Part):
    """Down-sampling, streams and modules (R9, R10)."""

    downsampling: Literal["average", "strided", "bilinear"] = choice("R9", "average", "how 192x192 becomes 32x32")
    streams: Literal["both", "flow", "idsf"] = choice("R10", "both", "which of the two features enter the network")
    modules: Literal["both", "2d", "3d", "split"] = choice(
        "R10", "both", "2D and 3D module in each stream; one of them; or IDSF to the 2D and flow to the 3D module"
    )


class Head(Part):
    """Where the softmax stands (R11)."""

    softmax: Literal["classifier", "concatenate"] = choice(
        "R11", "classifier", "the softmax is the training head's; or literally over the concatenated channels as well"
    )


class Transfer(Part):
    """The support vector machine (R12)."""

    kernel: Literal["rbf", "linear", "polynomial", "chi-squared"] = choice("R12", "rbf", "kernel of the SVM")
    C: float = choice("R12", 1.0, "penalty of the SVM", gt=0)
    gamma: float | Literal["scale"] = choice(
        "R12",
        "scale",
        "1 / (number of features x their variance), for chi-squared 1 / (mean distance); or a positive number",
    )
    standardise: bool = choice("R12", True, "standardise the features on the training fold")


class Optimisation(Part):
    """How a network is trained: Adam on the cross-entropy (R13)."""

    learning_rate: float = choice("R13", 1e-3, "Adam's step; IV.B", gt=0)
    batch_size: int = choice("R13", 32, "clips a step; IV.B", ge=1)
    class_weights: Literal["none", "balanced"] = choice("R13", "none", "weight of each class in the loss")


class Training(Optimisation):
    """How the paper's network is trained (R13)."""

    attention_start: Literal["neutral", "glorot"] = choice(
        "R13",
        "neutral",
        "last kernels of CAM and SAM start at 0, so that every weight is alike; or drawn like the rest",
    )
    batch_norm_momentum: float = choice(
        "R13", 0.9, "Keras's 0.99 is too slow for the few steps that these databases allow", ge=0, lt=1
    )


class Scoring(Part):
    """How folds become one score (R14)."""

    pooling: Literal["pooled"] = choice(
        "R14", "pooled", "one confusion matrix over all folds; the mean over folds is only ever shown beside it"
    )


class Labels(Part):
    """Which clips and classes take part (R15)."""

    subset: Literal["megc2019"] = choice("R15", "megc2019", "clips and three classes of the MEGC2019 composite")


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
    scoring: Scoring = Scoring()
    labels: Labels = Labels()
