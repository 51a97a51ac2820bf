"""Slides of a unit: the slides of its lessons, with figures and players from the executed notebooks, as one page.

The page uses reveal.js 5.2.1 and the book's copy of MathJax, which are copied beside it, and loads nothing else.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import nbformat

from astsvm_lib.book.folders import source_folder
from astsvm_lib.course.lessons import Lesson, slide_type
from astsvm_lib.errors import CompanionError
from astsvm_lib.storage import write_atomically

#: Files of reveal.js that a page uses, and its licence.
REVEAL = ("reset.css", "reveal.css", "reveal.js", "notes.js", "LICENSE")
ASSETS = "assets"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{assets}/reset.css">
<link rel="stylesheet" href="{assets}/reveal.css">
<link rel="stylesheet" href="{assets}/slides.css">
<script>
window.MathJax = {{ tex: {{ inlineMath: [["$", "$"]], displayMath: [["$$", "$$"]] }} }};
</script>
<script src="{assets}/tex-svg.js" defer></script>
</head>
<body>
<div class="reveal"><div class="slides">
{slides}
</div></div>
<script src="{assets}/reveal.js"></script>
<script src="{assets}/notes.js"></script>
<script>
Reveal.initialize({{
  hash: true, center: false, width: 1280, height: 720, slideNumber: "c/t", plugins: [RevealNotes],
}});
</script>
</body>
</html>
"""


def _output(output: nbformat.NotebookNode) -> str:
    """HTML of one output of a cell."""
    data: dict[str, Any] = output.get("data", {})
    if "image/png" in data:
        alt = output.metadata.get("image/png", {}).get("alt", "")
        image = "".join(data["image/png"].split())
        return f'<img src="data:image/png;base64,{image}" alt="{html.escape(alt, quote=True)}">'
    if "text/html" in data:
        return str(data["text/html"])
    if output.output_type == "stream" and output.name == "stdout":
        return f"<pre>{html.escape(output.text)}</pre>"
    return ""


def _markdown(text: str) -> str:
    """HTML of Markdown; formulas are left to MathJax."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return str(MarkdownWithMath(renderer=renderer).render(text)).strip()


@dataclass
class _Slide:
    """A slide: HTML of its heading, text, notes, and of the outputs of code."""

    heading: str
    text: str
    notes: str = ""
    outputs: list[str] = field(default_factory=list)

    def section(self) -> str:
        """HTML; text and figures are side by side if there are both."""
        shown = "\n".join(f'<div class="output">{text}</div>' for text in self.outputs)
        parts = [self.heading, self.text or shown]
        if self.text and shown:
            parts[1] = f'<div class="columns"><div>{self.text}</div><div>{shown}</div></div>'
        if self.notes:
            parts.append(f'<aside class="notes">{self.notes}</aside>')
        return "\n".join(["<section>", *parts, "</section>"])


def slides_of(lesson: Lesson, executed: nbformat.NotebookNode) -> list[str]:
    """The slides of a lesson, each a ``<section>``.

    Parameters
    ----------
    lesson
        The lesson.
    executed
        Its assignment, executed: the same code cells, with outputs.

    Raises
    ------
    CompanionError
        If there is a figure or a note before the first slide.
    """
    outputs = iter([cell.outputs for cell in executed.cells if cell.cell_type == "code"])
    slides: list[_Slide] = []
    for cell in lesson.notebook.cells:
        own = next(outputs) if cell.cell_type == "code" else []
        kind = slide_type(cell)
        if kind == "skip":
            continue
        if kind == "slide":
            heading, _, body = cell.source.partition("\n")
            slides.append(_Slide(_markdown(heading), _markdown(body)))
        elif not slides:
            raise CompanionError(f"lesson {lesson.name}: expected a slide before the cell '{cell.source[:40]}'")
        elif kind == "notes":
            slides[-1].notes += _markdown(cell.source)
        else:
            slides[-1].outputs += [text for text in map(_output, own) if text]
    return [slide.section() for slide in slides]


def write_slides(folder: Path, unit: int, lessons: Sequence[tuple[Lesson, nbformat.NotebookNode]]) -> Path:
    """Write the slides of a unit and, beside them, the files that they load.

    Parameters
    ----------
    folder
        Folder to write to.
    unit
        Number of the unit.
    lessons
        Its lessons in order, each with its executed assignment.

    Returns
    -------
    pathlib.Path
        The page.
    """
    sections = []
    for lesson, executed in lessons:
        title = html.escape(lesson.title)
        sections.append(
            f'<section class="title"><p>Unit {unit}</p><h1>{title}</h1><p>Lesson {lesson.name[:2]}</p></section>'
        )
        sections += slides_of(lesson, executed)
    page = _PAGE.format(title=f"Unit {unit}", assets=ASSETS, slides="\n".join(sections))
    target = folder / f"unit-{unit}.html"
    write_atomically(target, page.encode())
    assets = files("astsvm_lib.course").joinpath("assets")
    sources = {name: assets.joinpath("reveal", name).read_bytes() for name in REVEAL}
    sources["slides.css"] = assets.joinpath("slides.css").read_bytes()
    sources["tex-svg.js"] = (source_folder() / "_extra" / "_static" / "mathjax" / "tex-svg.js").read_bytes()
    for name, data in sources.items():
        write_atomically(folder / ASSETS / name, data)
    return target
