"""One Catmull-Clark subdivision step, as a sparse matrix from old to new vertices."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp


def catmull_clark(quads: np.ndarray, vertices: int) -> tuple[sp.csr_matrix, np.ndarray, np.ndarray]:
    """Subdivide a quad mesh once (Catmull and Clark 1978; boundary by the usual edge rules).

    Parameters
    ----------
    quads
        (Q, 4) vertex indices.
    vertices
        Number of vertices.

    Returns
    -------
    matrix
        (V', V) weights: new positions are ``matrix @ old``. The first V rows are the old vertices.
    new_quads
        (4 Q, 4) vertex indices.
    parent
        (4 Q,) index of the old quad that contains each new one.
    """
    count = len(quads)
    quad_ids = np.repeat(np.arange(count), 4)
    sides = np.sort(np.stack([quads, np.roll(quads, -1, 1)], 2).reshape(-1, 2), 1)
    edges, edge_of_side, uses = np.unique(sides, axis=0, return_inverse=True, return_counts=True)
    edge_of_side = edge_of_side.ravel()
    edge_count = len(edges)
    boundary = uses == 1

    def matrix(values: float, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sp.csr_matrix:
        return sp.csr_matrix((np.full(len(rows), values), (rows, columns)), shape)

    def scale(weights: np.ndarray, m: sp.csr_matrix) -> sp.csr_matrix:
        return sp.diags(weights) @ m

    face_point = matrix(0.25, quad_ids, quads.ravel(), (count, vertices))
    midpoint = matrix(0.5, np.repeat(np.arange(edge_count), 2), edges.ravel(), (edge_count, vertices))
    edge_faces = scale(1 / uses, matrix(1.0, edge_of_side, quad_ids, (edge_count, count)))
    edge_point = scale(np.where(boundary, 1, 0.5), midpoint) + scale(
        np.where(boundary, 0, 0.5), edge_faces @ face_point
    )

    vertex_edges = matrix(1.0, edges.ravel(), np.repeat(np.arange(edge_count), 2), (vertices, edge_count))
    vertex_faces = matrix(1.0, quads.ravel(), quad_ids, (vertices, count))
    valence = np.maximum(np.asarray(vertex_edges.sum(1)).ravel(), 1)
    faces_around = np.maximum(np.asarray(vertex_faces.sum(1)).ravel(), 1)
    identity = sp.identity(vertices, format="csr")
    inner = (
        scale((valence - 3) / valence, identity)
        + scale(2 / valence**2, vertex_edges @ midpoint)
        + scale(1 / (valence * faces_around), vertex_faces @ face_point)
    )
    rim_edges = vertex_edges[:, np.flatnonzero(boundary)]
    rim_valence = np.maximum(np.asarray(rim_edges.sum(1)).ravel(), 1)
    rim = 0.5 * identity + scale(0.5 / rim_valence, rim_edges @ midpoint[np.flatnonzero(boundary)])
    on_rim = np.zeros(vertices)
    on_rim[edges[boundary].ravel()] = 1
    vertex_point = scale(1 - on_rim, inner) + scale(on_rim, rim)

    side = edge_of_side.reshape(count, 4)
    centre = vertices + edge_count + np.arange(count)
    corners = [np.stack([quads[:, k], vertices + side[:, k], centre, vertices + side[:, k - 1]], 1) for k in range(4)]
    new_quads = np.stack(corners, 1).reshape(-1, 4)
    return sp.vstack([vertex_point, edge_point, face_point]).tocsr(), new_quads, quad_ids
