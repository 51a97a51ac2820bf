import ast
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest

from astsvm_lib.book import builder, chapters, execution, folders
from astsvm_lib.book.requirements import Requirements
from astsvm_lib import stages
from astsvm_lib.datasets import load
from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments import plan
from astsvm_lib.recipe import Recipe
from astsvm_lib.report import show
from astsvm_lib.results.record import ClipResult, FoldResult, HeadResult, Record
from astsvm_lib.results.store import Store

HEADER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""


@pytest.fixture
def tiny_book(tmp_path: Path, monkeypatch) -> Path:
    source = tmp_path / "book"
    source.mkdir()
    (source / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n  - file: sums\n")
    (source / "index.md").write_text("# Tiny\n")
    cell = "```{code-cell} ipython3\n:tags: [parameters]\n\nx = 2\nname = 'a'\n```\n\n"
    (source / "sums.md").write_text(HEADER + "# Sums\n\n" + cell + "```{code-cell} ipython3\nprint(10 / x)\n```\n")
    monkeypatch.setenv("ASTSVM_BOOK", str(source))
    monkeypatch.setenv("ASTSVM_BUILD", str(tmp_path / "build"))
    monkeypatch.setenv("ASTSVM_RESULTS", str(tmp_path / "results"))
    (tmp_path / "results").mkdir()
    return source


def outputs(path: Path) -> str:
    notebook = nbformat.read(path, as_version=4)
    return "".join(o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", []))


def test_a_chapter_runs_with_its_own_and_with_other_parameters(tiny_book: Path, tmp_path: Path):
    assert chapters.chapters() == ["sums"]
    assert chapters.parameters_of("sums") == {"x": 2, "name": "a"}
    assert outputs(execution.run_chapter("sums")) == "5.0\n"
    path = execution.run_chapter("sums", {"x": 4}, tmp_path / "out.ipynb")
    assert outputs(path) == "2.5\n"
    foot = nbformat.read(path, as_version=4).cells[-1].source
    assert "astsvm chapter run sums -p x 4 -p name a" in foot
    assert str(tmp_path) not in path.read_text()


def test_unknown_parameters_are_refused(tiny_book: Path, tmp_path: Path):
    with pytest.raises(CompanionError, match="chapter sums: unknown parameter y; it takes x, name"):
        execution.run_chapter("sums", {"y": 1})
    params = tmp_path / "params.yaml"
    params.write_text("x: 3\ncolour: red\n")
    with pytest.raises(CompanionError, match="no chapter has colour; the parameters are name, x, the chapters sums"):
        chapters.read_parameters(params)
    params.write_text("x: 3\nchapters:\n  sums: {name: b}\n")
    assert chapters.read_parameters(params) == {"sums": {"x": 3, "name": "b"}}
    params.write_text("chapters:\n  sums: {z: 1}\n")
    with pytest.raises(CompanionError, match="unknown parameter z"):
        chapters.read_parameters(params)


def test_a_failing_chapter_fails_by_name_and_leaves_nothing(tiny_book: Path, tmp_path: Path):
    with pytest.raises(CompanionError, match="chapter sums failed: ZeroDivisionError"):
        execution.run_chapter("sums", {"x": 0}, tmp_path / "out" / "sums.ipynb")
    assert not list((tmp_path / "out").rglob("*")) if (tmp_path / "out").exists() else True


def test_a_chapter_is_run_again_only_when_something_changed(tiny_book: Path, monkeypatch):
    _, first = builder.run_if_changed("sums", {})
    monkeypatch.setattr(builder, "run_chapter", lambda *a: pytest.fail("run again"))
    assert builder.run_if_changed("sums", {}) == ("sums", first)
    with pytest.raises(pytest.fail.Exception):
        builder.run_if_changed("sums", {"x": 5})
    (tiny_book / "sums.md").write_text((tiny_book / "sums.md").read_text() + "\nMore.\n")
    with pytest.raises(pytest.fail.Exception):
        builder.run_if_changed("sums", {})


def test_every_page_is_in_the_contents_and_every_chapter_has_its_parameters():
    assert sorted(chapters.pages()) == sorted(path.stem for path in folders.source_folder().glob("*.md"))
    special = {
        "index": {"dataset", "recipe"},
        "mer-today": set(),
        "readings": {"recipe"},
        "attainable": {"decimals"},
        "choices": set(),
        "multiverse": {"seed"},
        "real-motion": {"maps", "seed"},
        "runs": {"profile"},
    }
    special |= dict.fromkeys(("at-a-glance", "comparison", "table-8", "ablations", "classifier"), {"dataset", "recipe"})
    for name in chapters.chapters():
        assert set(chapters.parameters_of(name)) == special.get(name, {"dataset", "recipe", "profile", "seed"})


def test_the_code_of_chapters_is_clean_and_every_directive_is_closed(tmp_path: Path):
    for name in chapters.pages():
        text = (folders.source_folder() / f"{name}.md").read_text(encoding="utf-8")
        opened, closed = re.findall(r"^:{3,}\{", text, re.MULTILINE), re.findall(r"^:{3,}$", text, re.MULTILINE)
        assert len(opened) == len(closed), name
        if chapters.is_notebook(name):
            nbformat.write(chapters.read_chapter(name), tmp_path / f"{name}.ipynb")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", "--no-cache", str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def modules_used(name: str) -> set[str]:
    """Modules of the library that define what a chapter imports; every imported name must exist."""
    trees = [ast.parse(cell.source) for cell in chapters.read_chapter(name).cells if cell.cell_type == "code"]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    found, names = set(), {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("astsvm_lib"):
            module = importlib.import_module(str(node.module))
            for item in node.names:
                if not hasattr(module, item.name):  # then it is a submodule
                    importlib.import_module(f"{node.module}.{item.name}")
                names[item.asname or item.name] = thing = getattr(module, item.name)
                found.add(getattr(thing, "__module__", node.module))
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            found.add(getattr(getattr(names[node.value.id], node.attr, None), "__module__", None))
    return found


@pytest.mark.parametrize("name", chapters.chapters())
def test_a_chapter_declares_the_stages_and_files_that_its_code_uses(name: str):
    needs, used = chapters.requirements_of(name), modules_used(name)
    stages_used = {stage.name for stage in stages.STAGES.values() if f"astsvm_lib.{stage.module}" in used}
    assert stages_used <= set(needs.versions())
    files = needs.files()
    for module, file in (
        ("paper.assumptions", "src/astsvm_lib/paper/assumptions.py"),
        ("paper.attainable", "src/astsvm_lib/paper/attainable.py"),
        ("paper.published", "src/astsvm_lib/paper/assets/published.csv"),
        ("datasets.manifest", "data_manifest/casme2.yaml"),
    ):
        assert f"astsvm_lib.{module}" not in used or file in files


def test_a_chapter_is_run_again_when_a_file_that_it_shows_has_changed(four_chapters: Path):
    shown = folders.project_folder() / "facts.txt"
    shown.write_text("one")
    path = four_chapters / "first.md"
    path.write_text(path.read_text().replace("companion: {", 'companion: {"files": ["facts.*"], '))
    before = keys()
    shown.write_text("two")
    assert {name for name, key in keys().items() if key != before[name]} == {"first"}
    shown.unlink()
    with pytest.raises(CompanionError, match=r"chapter first: companion.files: no file of the project matches facts"):
        keys()


def test_a_missing_record_is_reported_before_anything_is_run():
    store = Store()
    for name in chapters.chapters():
        chapters.requirements_of(name).check_required(chapters.all_parameters(name, {}), store)
    for name in ("training", "first-results"):
        parameters = chapters.all_parameters(name, {"seed": 99})
        with pytest.raises(
            CompanionError, match=rf"chapter {name}: expected a record of rehearsal-mini, .*seed 99.*astsvm evaluate"
        ):
            chapters.requirements_of(name).check_required(parameters, store)
    chapters.requirements_of("optical-flow").check_required({"seed": 99}, store)


def test_the_published_parameters_fit_the_chapters():
    for path in (folders.source_folder() / "params").glob("*.yaml"):
        assert chapters.read_parameters(path)


def test_a_figure_without_alt_text_is_refused():
    with pytest.raises(CompanionError, match="a figure needs alt text"):
        show(plt.figure(), "  ")
    cell = nbformat.v4.new_code_cell("plot()")
    cell.outputs = [nbformat.v4.new_output("display_data", data={"image/png": "x"})]
    with pytest.raises(CompanionError, match=r"chapter sums: expected figures displayed by report.show with alt text"):
        execution.separate_figures("sums", cell)


def test_each_figure_of_a_cell_keeps_its_own_alt_text_and_caption():
    about = [{"alt": "a line", "class": "plot", "caption": "Figure one."}, {"alt": "a face", "class": "picture"}]
    figures = [
        nbformat.v4.new_output("display_data", data={"image/png": "x"}, metadata={"image/png": a}) for a in about
    ]
    text = nbformat.v4.new_output("execute_result", data={"text/markdown": "Words."}, execution_count=1)
    cell = nbformat.v4.new_code_cell("plot()", outputs=[*figures, text], metadata={"tags": ["hide-input"]})
    first, *parts = execution.separate_figures("sums", cell)
    assert (first.source, first.outputs, first.metadata.tags) == ("plot()", [], ["hide-input"])
    assert [part.outputs for part in parts] == [[figures[0]], [figures[1]], [text]]
    assert parts[0].metadata.mystnb == {
        "image": {"alt": "a line", "classes": "plot"},
        "figure": {"caption": "Figure one."},
    }
    assert parts[1].metadata.mystnb == {"image": {"alt": "a face", "classes": "picture"}}
    assert "mystnb" not in parts[2].metadata
    assert all(part.metadata.tags == ["remove-input"] for part in parts)


def visible_code(name: str) -> list[str]:
    """Sources of the cells of a chapter whose code is on the page."""
    hidden = {"remove-input", "remove-cell", "hide-input", "hide-cell", "parameters"}
    cells = chapters.read_chapter(name).cells
    return [c.source for c in cells if c.cell_type == "code" and not hidden & set(c.metadata.get("tags", []))]


@pytest.mark.parametrize("name", chapters.chapters())
def test_code_that_is_read_fits_the_page_and_every_figure_has_a_caption(name: str):
    assert [line for source in visible_code(name) for line in source.splitlines() if len(line) > 84] == []
    sources = [cell.source for cell in chapters.read_chapter(name).cells if cell.cell_type == "code"]
    calls = [node for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    shows = [call for call in calls if ast.unparse(call.func) in {"report.show", "report.play", "report.slide"}]
    assert [ast.unparse(call)[:80] for call in shows if "caption" not in {k.arg for k in call.keywords}] == []


def stored_run(store: Store, dataset: str, recipe: Recipe, seed: int = 0, method: str = "ast-svmnet") -> Record:
    """A record of a run that nobody computed: its predictions are the truth."""
    run = plan(load(dataset), recipe, "paper", seed, method)
    by_subject = {}
    for clip in run.clips:
        scores = {name: float(name == clip.label) for name in run.dataset.classes}
        head = HeadResult(prediction=clip.label, scores=scores)
        result = ClipResult(key=clip.key, subject=clip.group, truth=clip.label, heads={"svm": head})
        by_subject.setdefault(clip.group, []).append(result)
    folds = [FoldResult(name=s, epochs=[], seconds=0.0, clips=c) for s, c in sorted(by_subject.items())]
    record = Record(
        key=run.key, heading=run.dataset.manifest.heading, rehearsal=True, classes=list(run.dataset.classes),
        recipe=recipe.to_dict(*run.method.sections), settings={}, differs=run.differs,
        data=run.data, stages=run.stages, libraries={}, backend="tensorflow", device="CPU",
        processor="P", threads=1, commit=None, seconds=0.0, folds=folds,
    )  # fmt: skip
    store.write(record)
    return record


DECLARED = {
    "first": {"runs": [{"profile": "paper"}]},
    "changed": {"runs": [{"profile": "paper", "changes": {"flow": {"component": "u"}}}]},
    "table": {"runs": [{"table": 10}]},
    "none": {"stages": ["idsf"]},
}


@pytest.fixture
def four_chapters(tiny_book: Path) -> Path:
    """Chapters that show different runs, on rehearsal-mini."""
    toc = "format: jb-book\nroot: index\nchapters:\n" + "".join(f"  - file: {name}\n" for name in DECLARED)
    (tiny_book / "_toc.yml").write_text(toc)
    cell = "```{code-cell} ipython3\n:tags: [parameters]\n\ndataset = 'rehearsal-mini'\nrecipe = {}\n```\n"
    for name, declared in DECLARED.items():
        head = HEADER.replace("---\n\n", f"companion: {json.dumps(declared)}\n---\n\n")
        (tiny_book / f"{name}.md").write_text(f"{head}# {name}\n\n{cell}")
    return tiny_book


def keys() -> dict[str, str]:
    return {name: builder.chapter_key(name, {}) for name in DECLARED}


def test_adding_a_run_reruns_only_the_chapters_that_show_it(four_chapters: Path):
    store, before = Store(), keys()

    def rerun_after(dataset: str, recipe: Recipe, seed: int = 0, method: str = "ast-svmnet") -> set[str]:
        nonlocal before
        stored_run(store, dataset, recipe, seed, method)
        now = keys()
        changed, before = {name for name in DECLARED if now[name] != before[name]}, now
        return changed

    cam = Recipe().replace(attention={"modules": "cam"})
    assert rerun_after("rehearsal-mini", Recipe()) == {"first", "table"}
    assert rerun_after("rehearsal-mini", Recipe().replace(flow={"component": "u"})) == {"changed"}
    assert rerun_after("rehearsal-mini", cam, seed=1) == {"table"}  # another seed of a row of the table
    assert rerun_after("rehearsal-mini", Recipe(), method="bi-woof") == set()
    assert rerun_after("rehearsal-mini", Recipe()) == set()  # the same again


def test_a_chapter_is_run_again_when_a_stage_that_it_uses_has_changed(four_chapters: Path, monkeypatch):
    before, versions = keys(), {name: stages.stage_version(name) for name in stages.STAGES}
    monkeypatch.setattr(stages, "stage_version", lambda name: versions[name] + (name == "svm"))
    assert {name for name, key in keys().items() if key != before[name]} == {"first", "changed", "table"}
    monkeypatch.setattr(stages, "stage_version", lambda name: versions[name] + (name == "idsf"))
    assert {name for name, key in keys().items() if key != before[name]} == set(DECLARED)


def test_a_chapter_is_run_again_when_a_run_that_it_shows_becomes_outdated(four_chapters: Path, monkeypatch):
    stored_run(Store(), "rehearsal-mini", Recipe())
    for name in ("first", "table"):  # declare fewer stages than the run depends on
        path = four_chapters / f"{name}.md"
        path.write_text(path.read_text().replace("companion: {", 'companion: {"stages": ["strain"], '))
    before, versions = keys(), {name: stages.stage_version(name) for name in stages.STAGES}
    monkeypatch.setattr(stages, "stage_version", lambda name: versions[name] + (name == "method/ast-svmnet"))
    assert {name for name, key in keys().items() if key != before[name]} == {"first", "changed", "table"}


def test_a_chapter_that_declares_all_runs_is_run_again_after_any(four_chapters: Path):
    path = four_chapters / "none.md"
    lookup = "\n```{code-cell} ipython3\nfrom astsvm_lib import results\nprint(len(results.scores()))\n```\n"
    path.write_text(path.read_text() + lookup)
    stored_run(Store(), "rehearsal-mini", Recipe())
    with pytest.raises(CompanionError, match="looked up all stored runs; declare companion.all_runs: true"):
        execution.run_chapter("none")
    path.write_text(path.read_text().replace("companion: {", 'companion: {"all_runs": true, '))
    assert outputs(execution.run_chapter("none")).strip() == "1"
    before = builder.chapter_key("none", {})
    stored_run(Store(), "rehearsal-mini", Recipe(), method="bi-woof")
    assert builder.chapter_key("none", {}) != before


def test_a_chapter_that_shows_a_run_which_it_does_not_declare_is_refused(four_chapters: Path):
    stored_run(Store(), "rehearsal-mini", Recipe())
    code = (
        "from astsvm_lib.datasets import load\nfrom astsvm_lib.experiments import find_record, plan\n"
        "print(find_record(plan(load(dataset))).name)\n"
    )
    for name in ("first", "none"):
        path = four_chapters / f"{name}.md"
        path.write_text(path.read_text() + f"\n```{{code-cell}} ipython3\n{code}```\n")
    assert "rehearsal-mini_ast-svmnet_paper_seed0" in outputs(execution.run_chapter("first"))
    with pytest.raises(CompanionError, match=r"chapter none: looked up stored runs that its front matter does not"):
        execution.run_chapter("none")


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"stages": ["flow"]}, "chapter x: companion: unknown stage 'flow'"),
        ({"runs": [{"table": 3}]}, "chapter x: companion: no table 3"),
        ({"run": []}, r"chapter x: companion\.run: Extra inputs"),
    ],
)
def test_a_wrong_declaration_is_refused(declared: dict, words: str):
    with pytest.raises(CompanionError, match=words):
        Requirements.from_metadata("x", declared)
