"""Sphinx extension: the hyphen before a number becomes a minus sign, as numbers that Python formats have a hyphen."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

#: A hyphen at the start, after a space or a bracket, and before a number.
_HYPHEN = re.compile(r"(?:(?<=^)|(?<=[\s(\[]))-(?=\.?\d)")
#: Inside these, text is left as it is.
_LEFT = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw)


def with_minus_signs(text: str) -> str:
    """The text with minus signs: ``"-0.03 (-0.07 to 0.01)"`` has two; ``"1-3"`` and ``"AU-4"`` have none."""
    return _HYPHEN.sub("\N{MINUS SIGN}", text)


class MinusSigns(SphinxPostTransform):
    """Replaces the hyphens in text; runs after outputs of cells have become nodes."""

    default_priority = 905

    def run(self, **options: Any) -> None:
        """Replace the hyphens in the current page."""
        for text in list(self.document.findall(nodes.Text)):
            changed = with_minus_signs(text)
            if changed != text and not isinstance(text.parent, _LEFT):
                text.parent.replace(text, nodes.Text(changed))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension.

    Parameters
    ----------
    app
        The Sphinx application.
    """
    app.add_post_transform(MinusSigns)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
