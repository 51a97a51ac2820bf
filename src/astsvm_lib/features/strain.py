"""Optical strain: local deformation of the skin, independent of a common translation."""

from __future__ import annotations

from typing import Literal

import numpy as np

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

Definition = Literal["tensor", "normal"]


def optical_strain(flow: np.ndarray, definition: Definition = "tensor") -> np.ndarray:
    r"""Magnitude of the optical strain of a flow field, (H, W), by one of the two definitions in use.

    .. math:: |\varepsilon|_{tensor} = \sqrt{u_x^2 + v_y^2 + \tfrac12 (u_y + v_x)^2}, \qquad
              |\varepsilon|_{normal} = \sqrt{u_x^2 + v_y^2}

    Parameters
    ----------
    flow
        (H, W, 2) pixels: right, down.
    definition
        ``"tensor"``: the norm of the full strain tensor, shear included (Shreve et al. 2011; Bi-WOOF,
        STSTNet); invariant to rotation of the axes. ``"normal"``: the norm of its diagonal, the normal strain
        along the two axes, without shear.

    Notes
    -----
    Both are zero for a translation and, to first order, for a small rotation.

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
