"""Rasterisation with a z-buffer, vertex normals and texture look-up, compiled by numba.

Compiled functions take plain arrays and numbers, so that two of them have more than seven parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np


@dataclass(frozen=True)
class Hits:
    """The visible surface point at each pixel of a (height, width) image.

    Attributes
    ----------
    triangle
        (height, width) int32: index of the visible triangle, -1 for none.
    second, third
        (height, width) float32: barycentric weights of the triangle's second and third vertex.
    """

    triangle: np.ndarray
    second: np.ndarray
    third: np.ndarray

    def interpolate(self, triangles: np.ndarray, values: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """Vertex values interpolated at every pixel, (height, width, C) float32.

        Parameters
        ----------
        triangles
            (F, 3) vertex indices.
        values
            (V, C) values at the vertices.
        fill
            Value of pixels without a triangle.
        """
        out = np.full((*self.triangle.shape, values.shape[1]), fill, np.float32)
        hit = self.triangle >= 0
        a, b, c = triangles[self.triangle[hit]].T
        second, third = self.second[hit][:, None], self.third[hit][:, None]
        out[hit] = values[a] * (1 - second - third) + values[b] * second + values[c] * third
        return out


@numba.njit(cache=True)
def _vertex_normals(points, triangles, normals):  # type: ignore[no-untyped-def]
    normals[:] = 0
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in (a, b, c):
            normals[i, 0] += nx
            normals[i, 1] += ny
            normals[i, 2] += nz
    for i in range(normals.shape[0]):
        length = np.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2) + 1e-9
        normals[i] /= length


def vertex_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals, (V, 3) float32: the area-weighted mean over the triangles at each vertex.

    Parameters
    ----------
    points
        (V, 3) vertex positions.
    triangles
        (F, 3) vertex indices, anticlockwise seen from outside.
    """
    normals = np.empty(points.shape, np.float32)
    _vertex_normals(np.ascontiguousarray(points, np.float32), triangles, normals)
    return normals


@numba.njit(cache=True)
def _rasterise(points, triangles, triangle, second, third, depth):  # type: ignore[no-untyped-def]
    height, width = triangle.shape
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = points[a, 0], points[a, 1], points[a, 2]
        bx, by, bz = points[b, 0], points[b, 1], points[b, 2]
        cx, cy, cz = points[c, 0], points[c, 1], points[c, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area > -1e-6:  # back-facing
            continue
        x0 = max(int(np.ceil(min(ax, bx, cx) - 0.5)), 0)
        x1 = min(int(np.floor(max(ax, bx, cx) - 0.5)), width - 1)
        y0 = max(int(np.ceil(min(ay, by, cy) - 0.5)), 0)
        y1 = min(int(np.floor(max(ay, by, cy) - 0.5)), height - 1)
        for y in range(y0, y1 + 1):
            dy = y + 0.5 - ay
            for x in range(x0, x1 + 1):
                dx = x + 0.5 - ax
                w1 = ((cy - ay) * dx + (ax - cx) * dy) / area
                w2 = ((ay - by) * dx + (bx - ax) * dy) / area
                if w1 >= -1e-9 and w2 >= -1e-9 and w1 + w2 <= 1 + 1e-9:
                    z = az + (bz - az) * w1 + (cz - az) * w2
                    if z < depth[y, x]:
                        depth[y, x] = z
                        triangle[y, x] = t
                        second[y, x] = w1
                        third[y, x] = w2


def rasterise(points: np.ndarray, triangles: np.ndarray, height: int, width: int) -> Hits:
    """Nearest front-facing triangle at each pixel centre.

    Parameters
    ----------
    points
        (V, 3): x and y in pixels (y down), z as distance from the camera.
    triangles
        (F, 3) vertex indices, anticlockwise seen from outside.
    height, width
        Size of the image, in pixels.
    """
    triangle = np.full((height, width), -1, np.int32)
    second, third = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    depth = np.full((height, width), np.inf)
    _rasterise(np.ascontiguousarray(points, np.float64), triangles, triangle, second, third, depth)
    return Hits(triangle, second, third)


@numba.njit(cache=True)
def _shade(triangle, second, third, triangles, texel, diffuse, specular, texture, background, gain, factor, out):  # type: ignore[no-untyped-def]
    last_row, last_column = texture.shape[0] - 1.001, texture.shape[1] - 1.001
    share = np.float32(1.0 / (factor * factor))
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            red = green = blue = np.float32(0.0)
            for sy in range(y * factor, (y + 1) * factor):
                for sx in range(x * factor, (x + 1) * factor):
                    t = triangle[sy, sx]
                    if t < 0:
                        red += background[sy, sx, 0] * gain
                        green += background[sy, sx, 1] * gain
                        blue += background[sy, sx, 2] * gain
                        continue
                    i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                    w1, w2 = second[sy, sx], third[sy, sx]
                    w0 = np.float32(1.0) - w1 - w2
                    column = texel[i, 0] * w0 + texel[j, 0] * w1 + texel[k, 0] * w2
                    row = texel[i, 1] * w0 + texel[j, 1] * w1 + texel[k, 1] * w2
                    light = diffuse[i] * w0 + diffuse[j] * w1 + diffuse[k] * w2
                    shine = specular[i] * w0 + specular[j] * w1 + specular[k] * w2
                    column = min(max(column, 0.0), last_column)
                    row = min(max(row, 0.0), last_row)
                    c, r = int(column), int(row)
                    fc, fr = np.float32(column - c), np.float32(row - r)
                    q00, q01 = (1 - fc) * (1 - fr), fc * (1 - fr)
                    q10, q11 = (1 - fc) * fr, fc * fr
                    a, b, d, e = texture[r, c], texture[r, c + 1], texture[r + 1, c], texture[r + 1, c + 1]
                    red += (a[0] * q00 + b[0] * q01 + d[0] * q10 + e[0] * q11) * light + shine
                    green += (a[1] * q00 + b[1] * q01 + d[1] * q10 + e[1] * q11) * light + shine
                    blue += (a[2] * q00 + b[2] * q01 + d[2] * q10 + e[2] * q11) * light + shine
            out[y, x, 0] = red * share
            out[y, x, 1] = green * share
            out[y, x, 2] = blue * share


def shade(
    hits: Hits,
    triangles: np.ndarray,
    texel: np.ndarray,
    diffuse: np.ndarray,
    specular: np.ndarray,
    texture: np.ndarray,
    background: np.ndarray,
    gain: np.float32,
    factor: int,
) -> np.ndarray:
    """Linear light, (height / factor, width / factor, 3) float32: albedo x diffuse + specular, box-filtered.

    Parameters
    ----------
    hits
        Visible triangle of each supersampled pixel, (height, width).
    triangles
        (F, 3) vertex indices.
    texel
        (V, 2) float32: texture coordinates of each vertex.
    diffuse, specular
        (V,) float32: irradiance and highlight at each vertex.
    texture
        (side, side, 3) float32: linear albedo.
    background
        (height, width, 3) float32: linear light.
    gain
        Factor on the background.
    factor
        Supersampling factor.
    """
    height, width = hits.triangle.shape
    out = np.empty((height // factor, width // factor, 3), np.float32)
    _shade(
        hits.triangle,
        hits.second,
        hits.third,
        triangles,
        texel,
        diffuse,
        specular,
        texture,
        background,
        gain,
        factor,
        out,
    )
    return out
