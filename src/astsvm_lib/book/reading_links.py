"""Sphinx extension: each mention of a reading, such as R5, links to its section of the page of readings."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from astsvm_lib.paper.assumptions import READINGS

PAGE = "readings"
_MENTION = re.compile(rf"\b({'|'.join(sorted((reading.id for reading in READINGS), key=len, reverse=True))})\b")
#: Inside these, text is left as it is.
_LEFT = (nodes.literal, nodes.literal_block, nodes.reference, nodes.title, nodes.math, nodes.math_block, nodes.raw)


class ReadingLinks(SphinxPostTransform):
    """Replaces mentions of readings by links; runs after outputs of cells have become nodes."""

    default_priority = 900

    def run(self, **options: Any) -> None:
        """Replace the mentions in the current page."""
        if self.env.docname == PAGE or PAGE not in self.env.found_docs:
            return
        target = self.app.builder.get_relative_uri(self.env.docname, PAGE)
        for text in list(self.document.findall(nodes.Text)):
            if not _MENTION.search(text) or any(isinstance(parent, _LEFT) for parent in _parents(text)):
                continue
            parts: list[nodes.Node] = []
            for i, part in enumerate(_MENTION.split(text)):
                link = nodes.reference("", part, refuri=f"{target}#{part.lower()}", internal=True)
                parts += [link] if i % 2 else [nodes.Text(part)] if part else []
            text.parent.replace(text, parts)


def _parents(node: nodes.Node) -> list[nodes.Node]:
    found = []
    while node.parent is not None:
        node = node.parent
        found.append(node)
    return found


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension.

    Parameters
    ----------
    app
        The Sphinx application.
    """
    app.add_post_transform(ReadingLinks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
