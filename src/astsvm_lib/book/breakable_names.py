"""Sphinx extension: names in code may be broken over lines after a dot, an underscore or a slash, and nowhere else."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

_PLACES = re.compile(r"(?<=[._/])(?=\w)")


class BreakableNames(SphinxPostTransform):
    """Inserts the HTML element that allows a line break into inline code."""

    default_priority = 910
    formats = ("html",)

    def run(self, **options: Any) -> None:
        """Insert the places for breaks in the current page."""
        for literal in self.document.findall(nodes.literal):
            for text in [child for child in literal.children if isinstance(child, nodes.Text)]:
                parts: list[nodes.Node] = []
                for part in _PLACES.split(text):
                    parts += [nodes.raw("", "<wbr>", format="html")] if parts else []
                    parts.append(nodes.Text(part))
                if len(parts) > 1:
                    literal.replace(text, parts)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension.

    Parameters
    ----------
    app
        The Sphinx application.
    """
    app.add_post_transform(BreakableNames)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
