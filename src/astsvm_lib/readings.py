"""What the paper says at each of the fifteen places where it leaves a choice, and what is taken.

The fields themselves, their defaults and what else they allow are in :mod:`astsvm_lib.recipe`; the
book's page of readings joins the two.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """One choice.

    Attributes
    ----------
    id
        R1 to R15.
    where
        Section, equation or table of the paper.
    paper
        What is said there, in short.
    taken
        The default reading, and why.
    """

    id: str
    where: str
    paper: str
    taken: str


READINGS = (
    Reading(
        "R1", "abstract, III.A.3", "Calls its feature both IDSF and ISDF.", "IDSF, as in the equations and tables."
    ),
    Reading(
        "R2",
        "III.A.1",
        "dlib detection, registration by “Active Shape Models (AAM)”, crop to 192×192.",
        "Landmarks of the onset, made plausible by a point distribution model (the shape part of an ASM); one "
        "similarity for the whole clip, so that the motion inside it survives.",
    ),
    Reading(
        "R3",
        "III.A.1",
        "Eulerian magnification “between consecutive frames”; no parameters.",
        "Laplacian pyramid, zero-phase band 0.5–10 Hz with reflected ends, α = 4, λc = 8 px. A zero-phase band does "
        "not shift the apex; reflected ends keep short clips from ringing.",
    ),
    Reading(
        "R4",
        "III.A.1 and III.A.3",
        "First TIM, then “equal interval sampling”, to 10 frames.",
        "TIM evaluated at ten equally spaced positions: both sentences at once.",
    ),
    Reading(
        "R5",
        "III.A.2, Table 1",
        "Lucas-Kanade between adjacent frames; the parameter counts allow one channel.",
        "Dense windowed least squares; the magnitude; ten frames give nine flows, so the first map is zero.",
    ),
    Reading(
        "R6",
        "equations 1–7",
        "Dᵢ = Iᵢ − I(onset) for i = 1..10; the scale of the grey values is not given.",
        "Signed difference of grey values in 0..1; the onset is frame 1, so D₁ = 0.",
    ),
    Reading(
        "R7",
        "III.B, figure 3",
        "Softmax in CAM and SAM, axis not given. Over SAM's single channel it would be constantly 1.",
        "Over the ten frames (CAM) and over all positions (SAM), each rescaled to mean 1 so that the signal keeps "
        "its size.",
    ),
    Reading(
        "R8",
        "III.B",
        "CAM's output multiplies the input, SAM's the result; widths and kernel size are not given.",
        "That order; batch norm at each entry; a convolution for each of SAM's paths, an MLP for each of CAM's; "
        "5 hidden units, 7×7 kernels.",
    ),
    Reading(
        "R9",
        "III.C",
        "FAM works at 192×192, the inception modules at 10×32×32; how is not said.",
        "Mean over 6×6 blocks.",
    ),
    Reading(
        "R10",
        "III.C, Table 1",
        "One input layer, six parallel convolutions, flatten to 46,464; two streams.",
        "The whole module once per stream: 2 × 46,464 = 92,928 features.",
    ),
    Reading(
        "R11",
        "III.C",
        "Softmax only “in the final concatenate layer”.",
        "That is the softmax of the classifier that trains the network.",
    ),
    Reading(
        "R12",
        "III.D",
        "RBF, one-versus-rest, largest score wins; C, γ and scaling are not given.",
        "One-versus-rest of binary RBF SVMs, features standardised on the training fold, C = 1, γ = “scale”.",
    ),
    Reading(
        "R13",
        "IV.B",
        "Adam 1e-3, batch 32; epochs, initialisation, class weights and seeds are not given.",
        "Epochs fixed beforehand by the profile; Glorot initialisation, attention starting neutral; no class "
        "weights; the seed is recorded.",
    ),
    Reading(
        "R14",
        "equations 8–11",
        "UAR and UF1 “over all rounds”.",
        "One confusion matrix over all folds, as in MEGC2019, then the unweighted means.",
    ),
    Reading(
        "R15",
        "IV.A",
        "Lists five classes for CASME II; the experiments use three.",
        "The MEGC2019 subsets: CASME II 145 clips, SMIC-HS 164, SAMM 133. Two clips of CASME II are left out as in "
        "MEGC2019; where an apex is not annotated, or not to be trusted, the middle of the clip stands for it.",
    ),
)
