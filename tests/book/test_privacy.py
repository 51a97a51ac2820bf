"""No frame of a database under a licence, and no folder of the reader's disk, gets into a page."""

import base64
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import jupytext
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest

from astsvm_lib import report
from astsvm_lib.book import builder, execution, folders
from astsvm_lib.datasets import Dataset, load, privacy
from astsvm_lib.errors import CompanionError
from astsvm_lib.preprocessing import find_landmarks
from astsvm_lib.rehearsal.layout import rows_of, counterpart_film, write_layout

#: Chapters that show faces wherever they may.
CHAPTERS = ("data", "preprocessing", "idsf", "table-8")
#: A face counts as found from this correlation on: 0.8 and more where it is, at most 0.6 where another is, or none.
FOUND = 0.7
WIDTH = 64


@pytest.fixture(scope="session")
def practice(tmp_path_factory) -> Path:
    """CASME II's layout with the rendered faces of three people."""
    film = counterpart_film("casme2")
    people = sorted({row.subject for row in rows_of("casme2")})
    films = [film(people[i]) for i in range(3)]
    root = tmp_path_factory.mktemp("a-readers-disk") / "CASME2"
    return write_layout("casme2", root, film=lambda subject: films[people.index(subject) % 3])


@pytest.fixture
def in_kernels(practice: Path, monkeypatch) -> Path:
    """Let the kernels that run chapters find the practice data."""
    monkeypatch.setenv("ASTSVM_CASME2_ROOT", str(practice))
    return practice


def outlines(image: np.ndarray) -> np.ndarray:
    """What tells one face from another: neither the light nor the noise, but what lies between."""
    image = image.astype(np.float32)
    return cv2.GaussianBlur(image, (0, 0), 1) - cv2.GaussianBlur(image, (0, 0), 4)


def faces_of(data: Dataset, count: int = 3) -> list[np.ndarray]:
    """Outlines of the first people's faces, from the brows to the chin, :data:`WIDTH` pixels wide."""
    first = {clip.subject: clip for clip in reversed(data.clips)}
    found = []
    for clip in sorted(first.values(), key=lambda c: c.subject)[:count]:
        frame = clip.load_frames([0])[0]
        points = find_landmarks(frame, clip.key)
        (left, top), (right, bottom) = points.min(0).astype(int), points.max(0).astype(int)
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) if frame.ndim == 3 else frame
        size = (WIDTH, round(WIDTH * (bottom - top) / (right - left)))
        found.append(outlines(cv2.resize(grey[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)))
    return found


def strongest(images: Sequence[np.ndarray], faces: Sequence[np.ndarray]) -> float:
    """Largest normalised correlation of any face with any place in any image, over a range of sizes."""
    best = 0.0
    for image in images:
        for width in np.geomspace(60, 760, 40):
            scale = WIDTH / width
            lines = outlines(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
            for face in faces:
                if lines.shape[0] >= face.shape[0] and lines.shape[1] >= face.shape[1]:
                    likeness = cv2.matchTemplate(lines, face, cv2.TM_CCOEFF_NORMED)
                    strength = cv2.matchTemplate(lines * lines, np.ones_like(face), cv2.TM_CCORR) / face.size
                    best = max(best, float(likeness[strength > 4].max(initial=0)))  # elsewhere the page is blank
    return best


def built_images(site: Path) -> list[np.ndarray]:
    """Every picture of a rendered book, grey; those inside the pages too."""
    encoded = [path.read_bytes() for path in (site / "_images").glob("*")] if (site / "_images").is_dir() else []
    for page in site.glob("*.html"):
        inside = re.findall(r"data:image/(?:png|jpeg|webp);base64,([A-Za-z0-9+/=]+)", page.read_text(encoding="utf-8"))
        encoded += [base64.b64decode(text) for text in inside]
    images = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) for data in encoded]
    return [
        cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for image in images if image is not None
    ]


@pytest.fixture
def render(tmp_path: Path, monkeypatch) -> Callable[[dict[str, Path]], Path]:
    """Render executed chapters into a book whose other pages are empty; gives the folder of the site."""

    def rendered(executed: dict[str, Path]) -> Path:
        source = tmp_path / "pages"
        source.mkdir()
        for item in folders.source_folder().iterdir():
            if item.name in {"_static", "_extra", "_toc.yml", "quizzes", "references.bib", "bibliography.md", "glossary.md"}:
                (source / item.name).symlink_to(item)
            elif item.suffix == ".md":
                (source / item.name).write_text(f"# {item.stem}\n")
        (tmp_path / "_config.yml").symlink_to(folders.project_folder() / "_config.yml")
        monkeypatch.setenv("ASTSVM_BOOK", str(source))
        monkeypatch.setenv("ASTSVM_BUILD", str(tmp_path / "build"))
        builder.assemble(executed, tmp_path / "assembled")
        return builder.render(tmp_path / "assembled")

    return rendered


def test_built_pages_hold_no_face_of_a_database_under_a_licence(in_kernels: Path, render, tmp_path: Path):
    executed = {
        name: execution.run_chapter(name, {"dataset": "casme2"}, tmp_path / f"{name}.ipynb") for name in CHAPTERS
    }
    site = render(executed)
    images = built_images(site)
    assert len(images) > 12
    faces = faces_of(load("casme2", in_kernels))
    assert strongest(images, faces) < FOUND
    text = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.html"))
    assert "CASME II&#39;s layout (rehearsal data)" in text or "CASME II’s layout (rehearsal data)" in text
    for folder in (in_kernels, tmp_path, Path.home() / ".cache", folders.project_folder()):
        assert str(folder) not in text


def test_the_same_search_finds_faces_that_may_be_shown(tmp_path: Path):
    path = execution.run_chapter("idsf", {"dataset": "rehearsal-mini"}, tmp_path / "idsf.ipynb")
    assert strongest(notebook_images(path), faces_of(load("rehearsal-mini"))) > FOUND


def notebook_images(path: Path) -> list[np.ndarray]:
    outputs = [o for cell in nbformat.read(path, as_version=4).cells for o in cell.get("outputs", [])]
    encoded = [o.data["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    for page in (str(o.data["text/html"]) for o in outputs if "text/html" in o.get("data", {})):
        encoded += re.findall(r"data:image/webp;base64,([A-Za-z0-9+/=]+)", page)
    return [cv2.imdecode(np.frombuffer(base64.b64decode(e), np.uint8), cv2.IMREAD_GRAYSCALE) for e in encoded]


# --- chapters that would show a frame


LOAD = """
from astsvm_lib import datasets, report
data = datasets.load("casme2")
frame = data.clips[0].load_frames([0])[0]
figure, axis = report.new_figure()
"""
ROGUES = {
    "imshow": ("axis.imshow(frame)\nreport.show(figure, 'a face')", "this figure would show a frame"),
    "draw_image": (
        "report.draw_image(axis, frame)\nreport.show(figure, 'a face')",
        "this figure would show a frame",
    ),
    "image_grid": ("report.show(report.image_grid([[frame]], ['']), 'a face')", "this figure would show a frame"),
    "figimage": ("figure.figimage(frame)\nreport.show(figure, 'a face')", "this figure would show a frame"),
    "pcolormesh": ("axis.pcolormesh(frame[..., 0])\nreport.show(figure, 'a face')", "this figure would show a frame"),
    "unsaid": ("report.draw_image(axis, frame, 'face')", "expected one of frame, landmarks"),
    "inline": ("axis.imshow(frame)\nfigure", "expected figures displayed by report.show"),
    "player": ("report.play([report.Panel('frames', [frame])], 'a face')", "this figure would show a frame"),
    "slider": (
        "report.draw_image(axis, frame)\nreport.slide([figure], ['alpha = 1'], 'a face')",
        "this figure would show a frame",
    ),
    "jpeg": (
        "import cv2\nfrom IPython.display import Image\nImage(cv2.imencode('.jpg', frame)[1].tobytes())",
        "displayed by report.show, found image/jpeg",
    ),
    "html": ("from IPython.display import HTML\nHTML('<img src=\"face.png\">')", "report.show, found text/html"),
    "markdown": (
        "from IPython.display import Markdown\nMarkdown('![a face](face.png)')",
        "report.show, found text/markdown",
    ),
}


@pytest.fixture
def one_chapter(tmp_path: Path, monkeypatch) -> Callable[[str], Path]:
    """Run a book's only chapter, with this code in one cell."""

    def run(code: str) -> Path:
        source = tmp_path / "book"
        source.mkdir()
        (source / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n  - file: rogue\n")
        (source / "index.md").write_text("# Book\n")
        parameters = nbformat.v4.new_code_cell("x = 1", metadata={"tags": ["parameters"]})
        notebook = nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell(code)])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        jupytext.write(notebook, source / "rogue.md", fmt="md:myst")
        (tmp_path / "_config.yml").symlink_to(folders.project_folder() / "_config.yml")
        monkeypatch.setenv("ASTSVM_BOOK", str(source))
        return execution.run_chapter("rogue", {}, tmp_path / "rogue.ipynb")

    return run


@pytest.mark.parametrize("rogue", ROGUES)
def test_a_chapter_that_would_show_a_frame_is_refused_and_leaves_nothing(rogue, in_kernels, one_chapter, tmp_path):
    code, words = ROGUES[rogue]
    with pytest.raises(CompanionError, match=re.escape(words)):
        one_chapter(LOAD + code)
    assert not (tmp_path / "rogue.ipynb").exists()


def test_without_the_guard_the_search_would_find_the_face(in_kernels, one_chapter):
    off = "report.style._check_privacy = lambda figure: None\n"
    path = one_chapter(LOAD + off + "report.draw_image(axis, frame)\nreport.show(figure, 'a face')")
    assert strongest(notebook_images(path), faces_of(load("casme2", in_kernels))) > FOUND


def test_without_the_guard_the_search_would_find_the_face_in_a_player(in_kernels, one_chapter):
    off = "from astsvm_lib.report import player\nplayer.check_content = lambda content, clips: None\n"
    path = one_chapter(LOAD + off + "report.play([report.Panel('frames', [frame])], 'a face')\nimport matplotlib.pyplot as plt\nplt.close('all')")
    assert strongest(notebook_images(path), faces_of(load("casme2", in_kernels))) > FOUND


def test_no_folder_of_the_readers_disk_gets_into_a_page(in_kernels: Path, one_chapter):
    path = one_chapter(
        "import os, sys, warnings\nimport pandas as pd\nfrom IPython.display import display, Markdown\n"
        "root = os.environ['ASTSVM_CASME2_ROOT']\nprint(root)\nprint(os.getcwd(), file=sys.stderr)\n"
        "table = pd.DataFrame({'folder': [root + '/sub01', sys.prefix]})\n"
        "display(table, Markdown(os.path.expanduser('~/x')), [root])\n"
        "pd.set_option('display.max_colwidth', None)\ndisplay(table)\n"
        "warnings.warn(root)"
    )
    text = path.read_text()
    for folder in (in_kernels, in_kernels.parents[1], folders.project_folder(), Path.home() / "x", path.parent):
        assert str(folder) not in text
    assert ".../sub01" in text


# --- what is drawn in their place


@pytest.fixture
def forbidden(small_dataset: Dataset, monkeypatch) -> Dataset:
    """The tiny data set, with a licence that forbids to show its frames, in use."""
    show = small_dataset.manifest.show.model_copy(update={"frames": False})
    manifest = small_dataset.manifest.model_copy(update={"show": show})
    monkeypatch.setattr(privacy, "_IN_USE", {})
    privacy.remember(manifest)
    return Dataset(manifest, small_dataset.clips)


def test_landmarks_and_block_means_stand_for_frames(forbidden, small_dataset, smile_frames):
    frame = smile_frames[0]
    (drawn,), content = report.face_images(forbidden, [frame])
    assert content == "landmarks"
    assert drawn.shape == frame.shape[:2]
    assert (drawn == 255).mean() > 0.9
    (coarse,), content = report.change_images(forbidden, [frame[..., 0].astype(float)])
    assert (content, coarse.shape) == ("average", (18, 18))
    assert coarse[0, 0] == pytest.approx(frame[:16, :16, 0].mean())
    assert report.face_images(small_dataset, [frame]) == ([frame], "frame")
    shown = report.image_grid([[drawn], [coarse]], ["", ""], content=["landmarks", "average"])
    report.show(shown, "landmarks and block means")


def test_only_averages_over_ten_clips_stand_for_maps_of_single_clips(small_dataset, monkeypatch):
    show = small_dataset.manifest.show.model_copy(update={"frames": False, "flow": False})
    monkeypatch.setattr(privacy, "_IN_USE", {})
    image = np.zeros((28, 28))

    def shown(**options: object) -> None:
        figure, axis = report.new_figure()
        report.draw_image(axis, image, **options)
        report.show(figure, "maps")

    shown(content="flow")  # nothing is in use yet
    privacy.remember(small_dataset.manifest.model_copy(update={"show": show}))
    for options in ({"content": "flow"}, {"content": "average"}, {"content": "average", "clips": 9}):
        with pytest.raises(
            CompanionError, match=r"fewer than 10 clips, but of the data in use \(small\) only averages"
        ):
            shown(**options)
    shown(content="average", clips=10)
    shown(content="diagram")
    plt.close("all")


def test_only_images_that_say_what_they_are_are_shown(forbidden):
    image = np.zeros((40, 40))
    figure, axis = report.new_figure()
    report.draw_image(axis, image, "flow")
    report.show(figure, "a flow")
    figure, axis = report.new_figure()
    axis.imshow(image)
    with pytest.raises(CompanionError, match=r"frames of the data in use \(small\) may not be shown"):
        report.show(figure, "unsaid")
    plt.close("all")
    privacy._IN_USE.clear()
    report.show(figure, "nothing is forbidden now")
