"""Head model of all rehearsal subjects: mesh, identity space, action units, texture map.

Model coordinates: x to the subject's left, y up, z towards the camera; one unit is a decimetre.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from scipy.spatial import cKDTree

from astsvm_lib.rehearsal.raster import rasterise, vertex_normals
from astsvm_lib.rehearsal.subdivision import catmull_clark

SKIN, EYE, TEETH, TONGUE = range(4)

#: Side of the square texture, and the fraction of its rows with skin; the rest is an atlas for eyes and flat colours.
TEXTURE_SIZE = 1024
SKIN_ROWS = 0.86
#: The skin is unrolled from a cylinder about x = 0, z = AXIS_Z, between these heights.
AXIS_Z = 0.25
TOP_Y, BOTTOM_Y = 8.75, 5.0
#: Positions of the eyes (centre column) and of the flat colours in the atlas, as fractions of the side.
EYE_COLUMNS = (0.08, 0.20)
EYE_HALF_WIDTH = 0.05
ATLAS_ROW = 0.94
FLAT_COLUMNS = {TEETH: 0.50, TONGUE: 0.60}
EYE_EXTENT = 0.16  # model units from an eye's centre to the edge of its square in the atlas


def skin_texel(angle: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Texture column and row of skin points, in texels.

    Parameters
    ----------
    angle
        Cylinder angle, in radians.
    height
        Height y, in model units.
    """
    column = (angle / np.pi * 0.5 + 0.5) * (TEXTURE_SIZE - 1)
    row = (TOP_Y - height) / (TOP_Y - BOTTOM_Y) * TEXTURE_SIZE * SKIN_ROWS
    return column, row


@dataclass(frozen=True)
class Head:
    """Mesh and bases after one subdivision step; V vertices, F triangles.

    Attributes
    ----------
    mean, template
        (V, 3) mean face of the identity space; (V, 3) neutral face that defines the texture coordinates.
    identity
        (K, V, 3) identity components, scaled to one standard deviation.
    units
        Name of an action unit ("12L", "17") -> (V, 3) displacement. A contraction of 1.0 moves the skin by up to
        1 decimetre; a strong expression has about 0.1.
    triangles, triangle_part
        (F, 3) vertex indices and (F,) part codes.
    part, texel, lips, lids, ears
        Per vertex: (V,) part code, (V, 2) texture coordinates, (V,) masks in 0..1.
    lid_pairs
        (P, 2) vertices of the upper and the lower lid rim that meet when the eye closes, corners included.
    lid_weight
        (V,) degree to which a vertex belongs to a lid, 0..1; its motion stops when the lids meet.
    attribute_mean, attribute_slope, attribute_rest
        (4,) mean of (male, old, african, asian), each 0..1, over the people to whom the identity space was fitted;
        (4, K) slope of the coefficients in these attributes; (K,) residual standard deviation.
    occlusion
        (V,) fraction of the ambient light that reaches the mean face, 0..1.
    angle
        (V,) cylinder angle of the template, in radians.
    """

    mean: np.ndarray
    template: np.ndarray
    identity: np.ndarray
    units: dict[str, np.ndarray]
    triangles: np.ndarray
    triangle_part: np.ndarray
    part: np.ndarray
    texel: np.ndarray
    lips: np.ndarray
    lids: np.ndarray
    ears: np.ndarray
    occlusion: np.ndarray
    angle: np.ndarray
    lid_pairs: np.ndarray
    lid_weight: np.ndarray
    attribute_mean: np.ndarray
    attribute_slope: np.ndarray
    attribute_rest: np.ndarray


def _layout(template: np.ndarray, part: np.ndarray, base_part: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Texture coordinates of every vertex: skin on a cylinder, eyes from the front, the rest flat."""
    angle = np.arctan2(template[:, 0], template[:, 2] - AXIS_Z)
    texel = np.stack(skin_texel(angle, template[:, 1]), 1)
    for column, side in zip(EYE_COLUMNS, (1, -1), strict=True):
        eye = (part == EYE) & (template[:, 0] * side > 0)
        centre = base[(base_part == EYE) & (base[:, 0] * side > 0)].mean(0)
        offset = (template[eye] - centre) / EYE_EXTENT * EYE_HALF_WIDTH
        texel[eye, 0] = (column + offset[:, 0]) * TEXTURE_SIZE
        texel[eye, 1] = (ATLAS_ROW - offset[:, 1]) * TEXTURE_SIZE
    for code, column in FLAT_COLUMNS.items():
        texel[part == code] = column * TEXTURE_SIZE, ATLAS_ROW * TEXTURE_SIZE
    return texel


def ambient_occlusion(points: np.ndarray, triangles: np.ndarray, directions: int = 48, side: int = 256) -> np.ndarray:
    """Fraction of the ambient light that reaches each vertex, (V,), computed by depth maps from many directions.

    Parameters
    ----------
    points
        (V, 3) vertex positions.
    triangles
        (F, 3) vertex indices.
    directions
        Number of directions on the sphere.
    side
        Side of each depth map, in pixels.
    """
    normals = vertex_normals(points, triangles)
    step = (np.arange(directions) + 0.5) / directions
    polar, azimuth = np.arccos(1 - 2 * step), np.pi * (1 + 5**0.5) * step * directions
    sky = np.stack([np.cos(azimuth) * np.sin(polar), np.sin(azimuth) * np.sin(polar), np.cos(polar)], 1)
    seen, possible = np.zeros(len(points)), np.zeros(len(points))
    for direction in sky[sky[:, 2] >= -0.3]:
        helper = np.array([0, 1.0, 0]) if abs(direction[1]) < 0.9 else np.array([1.0, 0, 0])
        right = np.cross(helper, direction)
        right /= np.linalg.norm(right)
        up = np.cross(direction, right)
        view = np.stack([points @ right, -(points @ up), -(points @ direction)], 1)
        view[:, :2] -= view[:, :2].min(0)
        view[:, :2] *= (side - 1) / view[:, :2].max()
        hit = rasterise(view, triangles, side, side)
        depth = hit.interpolate(triangles, view[:, 2:3], fill=np.inf)[..., 0]
        row, column = np.clip(view[:, 1].astype(int), 0, side - 1), np.clip(view[:, 0].astype(int), 0, side - 1)
        visible = view[:, 2] < depth[row, column] + 0.06
        weight = np.maximum(normals @ direction, 0) * (0.6 + 0.4 * max(direction[1], 0))
        seen += visible * weight
        possible += weight
    return np.clip(seen / np.maximum(possible, 1e-6), 0, 1)


def _lid_weight(template: np.ndarray, part: np.ndarray, lids: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Degree to which each vertex belongs to a lid: the mask of the lids, and the skin at their rims."""
    distance, _ = cKDTree(template[pairs.ravel()]).query(template)
    near = np.clip((0.10 - distance) / 0.06, 0, 1)
    return np.where(part == SKIN, np.maximum(lids, near), 0.0).astype(np.float32)


@lru_cache
def load_head() -> Head:
    """The head in the package's assets, subdivided once; shared by all subjects and not to be modified."""
    with files("astsvm_lib.rehearsal").joinpath("assets/head.npz").open("rb") as stream, np.load(stream) as data:
        asset = {name: data[name] for name in data.files}
    smooth, quads, parent = catmull_clark(asset["quads"].astype(np.int64), len(asset["mean"]))
    smooth = smooth.astype(np.float32)
    mean, template = smooth @ asset["mean"], smooth @ asset["template"]
    quad_part = asset["quad_part"][parent]
    part = np.zeros(len(mean), np.uint8)
    part[quads] = quad_part[:, None]
    texel = _layout(template, part, asset["part"], asset["template"])

    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    triangle_part = np.concatenate([quad_part, quad_part])
    # The back of the head, with the seam of the texture, is never visible.
    is_skin = triangle_part == SKIN
    seam = is_skin & (np.ptp(texel[triangles, 0], axis=1) > 0.4 * TEXTURE_SIZE)
    centre = template[triangles].mean(1)
    back = is_skin & (centre[:, 2] < -0.35) & (centre[:, 1] > 6)
    triangles, triangle_part = np.ascontiguousarray(triangles[~(seam | back)]), triangle_part[~(seam | back)]

    def expand(stack: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return np.stack([smooth @ (item * s) for item, s in zip(stack, scale, strict=True)]).astype(np.float32)

    units = expand(asset["units"], asset["unit_scale"])
    masks = np.clip(smooth @ (asset["masks"] / np.float32(255)), 0, 1)
    occlusion = ambient_occlusion(mean, triangles)
    occlusion[part == EYE] = np.clip(0.2 + 0.8 * occlusion[part == EYE], 0, 1)
    return Head(
        mean=mean.astype(np.float32),
        template=template.astype(np.float32),
        identity=expand(asset["identity"], asset["identity_scale"]),
        units=dict(zip(asset["unit_names"].tolist(), units, strict=True)),
        triangles=triangles,
        triangle_part=triangle_part,
        part=part,
        texel=texel.astype(np.float32),
        lips=masks[:, 0],
        lids=masks[:, 1],
        ears=masks[:, 2],
        occlusion=occlusion.astype(np.float32),
        angle=np.arctan2(template[:, 0], template[:, 2] - AXIS_Z).astype(np.float32),
        lid_pairs=asset["lid_pairs"].astype(np.int64),
        lid_weight=_lid_weight(template, part, masks[:, 1], asset["lid_pairs"].astype(np.int64)),
        attribute_mean=asset["attribute_mean"],
        attribute_slope=asset["attribute_slope"],
        attribute_rest=asset["attribute_rest"],
    )


def unit_cosine(first: str, second: str) -> float:
    """Cosine similarity of the frontal displacements of two action units, both sides included.

    Parameters
    ----------
    first, second
        Names of action units, such as ``"12"``.
    """
    head = load_head()
    front = (head.part == SKIN) & (head.template[:, 2] > 0.6) & (head.template[:, 1] > 6.2)

    def seen(unit: str) -> np.ndarray:
        names = [name for name in (unit, unit + "L", unit + "R") if name in head.units]
        return np.sum([head.units[name] for name in names], 0)[front, :2].ravel()

    a, b = seen(first), seen(second)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
