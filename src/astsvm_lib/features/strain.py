"""Optical strain: how much a flow field stretches the skin, whatever it does as a whole."""

from __future__ import annotations

import numpy as np


def optical_strain(flow: np.ndarray) -> np.ndarray:
    r"""Magnitude of the strain tensor of a flow field, (H, W).

    .. math:: |\varepsilon| = \sqrt{u_x^2 + v_y^2 + \tfrac12 (u_y + v_x)^2}

    Parameters
    ----------
    flow
        (H, W, 2) pixels: right, down.

    Notes
    -----
    Shreve et al. 2011; the same in a moved frame, and zero for a shift or a (small) rotation.

    Examples
    --------
    >>> rows, columns = np.mgrid[:8, :8]
    >>> round(float(optical_strain(np.stack([0.1 * columns, 0 * rows], -1))[4, 4]), 6)  # stretched by 10%
    0.1
    """
    u_y, u_x = np.gradient(flow[..., 0])
    v_y, v_x = np.gradient(flow[..., 1])
    strain: np.ndarray = np.sqrt(u_x**2 + v_y**2 + 0.5 * (u_y + v_x) ** 2)
    return strain
