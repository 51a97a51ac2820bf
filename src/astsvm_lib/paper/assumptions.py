"""The fifteen readings: what the paper states where it leaves a choice open, and the choice taken.

The fields, their defaults and their alternatives are in :mod:`astsvm_lib.recipe`; the book's page of readings
combines both.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """One choice that the paper leaves open.

    Attributes
    ----------
    id
        R1 to R15.
    where
        Section, equation or table of the paper.
    paper
        Summary of the paper's statement.
    taken
        Default choice and its reason.
    """

    id: str
    where: str
    paper: str
    taken: str


READINGS = (
    Reading(
        "R1", "abstract, III.A.3", "Abbreviates the feature as IDSF and ISDF.", "IDSF, as in the equations and tables."
    ),
    Reading(
        "R2",
        "III.A.1",
        "dlib detection, registration by “Active Shape Models (AAM)”, crop to 192×192.",
        "Landmarks of the onset, regularised by a point distribution model (the shape model of an ASM); one "
        "similarity transform per clip, which preserves the motion within the clip.",
    ),
    Reading(
        "R3",
        "III.A.1",
        "Eulerian magnification “between consecutive frames”; no parameters.",
        "Laplacian pyramid, zero-phase filter 0.5–10 Hz with reflection at the ends, α = 4 (α = 1 is no "
        "magnification), λc = 8 px. A zero-phase filter does not shift the apex; the reflection avoids ringing in "
        "short clips. The magnified variation also changes the onset; anchored at the onset, it does not.",
    ),
    Reading(
        "R4",
        "III.A.1 and III.A.3",
        "First TIM, then “equal interval sampling”, to 10 frames.",
        "TIM evaluated at ten equally spaced positions, which agrees with both statements.",
    ),
    Reading(
        "R5",
        "III.A.2, Table 1",
        "Lucas-Kanade between adjacent frames; the parameter counts allow one channel.",
        "Dense windowed least squares; the vertical component with its sign, as figure 2 draws signed components; ten "
        "frames give nine flow fields, so the first map is zero. The vertical component was chosen on development "
        "data; independent evidence from real clips is in {doc}`real-motion`, where it is ahead of the horizontal one.",
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
        "Softmax in CAM and SAM, axis not given. Over SAM's single channel it would always be 1.",
        "Over the ten frames (CAM) and over all positions (SAM), each rescaled to mean 1 to preserve the scale of the "
        "signal.",
    ),
    Reading(
        "R8",
        "III.B",
        "CAM's output multiplies the input, SAM's the result; widths and kernel size are not given.",
        "That order; batch normalisation at the input of each module; one convolution per path of SAM, one MLP per "
        "path of CAM; 5 hidden units, 7×7 kernels.",
    ),
    Reading(
        "R9",
        "III.C",
        "FAM operates at 192×192, the inception modules at 10×32×32; the downsampling is not given.",
        "Mean over 6×6 blocks.",
    ),
    Reading(
        "R10",
        "III.C, Table 1",
        "One input layer, six parallel convolutions, flatten to 46,464; two streams.",
        "The complete module once per stream: 2 × 46,464 = 92,928 features.",
    ),
    Reading(
        "R11",
        "III.C",
        "Softmax only “in the final concatenate layer”.",
        "The softmax of the classifier with which the network is trained.",
    ),
    Reading(
        "R12",
        "III.D",
        "RBF, one-versus-rest, largest score wins; C, γ and scaling are not given.",
        "One-versus-rest of binary RBF SVMs; C, γ and standardisation are chosen by inner validation, grouped by "
        "subject, in each training fold; no feature is divided by less than 1% of the largest standard deviation. "
        "scikit-learn's defaults (C = 1, γ = “scale”) are a row of the tables.",
    ),
    Reading(
        "R13",
        "IV.B",
        "Adam 1e-3, batch 32; epochs, initialisation, class weights and seeds are not given.",
        "The number of epochs is fixed in advance, on development data; each input is divided by its standard "
        "deviation over the training fold; Glorot initialisation, with neutral initial attention; no class weights; "
        "the seed is recorded.",
    ),
    Reading(
        "R14",
        "equations 8–11",
        "UAR and UF1 “over all rounds”.",
        "One confusion matrix pooled over all folds, as in MEGC2019, then the unweighted means.",
    ),
    Reading(
        "R15",
        "IV.A",
        "Lists five classes for CASME II; the experiments use three.",
        "The MEGC2019 subsets: CASME II 145 clips, SMIC-HS 164, SAMM 133. Two clips of CASME II are excluded as in "
        "MEGC2019; the middle of the clip replaces an apex that is not annotated or not reliable.",
    ),
)
