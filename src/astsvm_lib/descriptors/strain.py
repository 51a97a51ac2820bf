"""Optical strain: how much a flow field stretches the skin, whatever it does as a whole."""

from __future__ import annotations

from typing import Literal

import numpy as np

Definition = Literal["tensor", "normal"]


def optical_strain(flow: np.ndarray, definition: Definition = "tensor") -> np.ndarray:
    r"""Strength of the strain of a flow field, (H, W), by one of the field's two definitions.

    .. math:: |\varepsilon|_{tensor} = \sqrt{u_x^2 + v_y^2 + \tfrac12 (u_y + v_x)^2}, \qquad
              |\varepsilon|_{normal} = \sqrt{u_x^2 + v_y^2}

    Parameters
    ----------
    flow
        (H, W, 2) pixels: right, down.
    definition
        ``"tensor"``: the norm of the whole strain tensor, shear included (Shreve et al. 2011; Bi-WOOF,
        STSTNet); it is the same however the axes lie. ``"normal"``: its diagonal alone, the stretch along
        the two axes, which misses shear.

    Notes
    -----
    Both are zero for a shift; the tensor's is zero for a small rotation, and so is the other.

    Examples
    --------
    >>> rows, columns = np.mgrid[:8, :8]
    >>> stretched = np.stack([0.1 * columns, 0 * rows], -1)  # by 10% to the right
    >>> sheared = np.stack([0.1 * rows, 0 * rows], -1)
    >>> [round(float(optical_strain(flow)[4, 4]), 4) for flow in (stretched, sheared)]
    [0.1, 0.0707]
    >>> [round(float(optical_strain(flow, "normal")[4, 4]), 4) for flow in (stretched, sheared)]
    [0.1, 0.0]
    """
    u_y, u_x = np.gradient(flow[..., 0])
    v_y, v_x = np.gradient(flow[..., 1])
    squared = u_x**2 + v_y**2
    if definition == "tensor":
        squared = squared + 0.5 * (u_y + v_x) ** 2
    strain: np.ndarray = np.sqrt(squared)
    return strain
