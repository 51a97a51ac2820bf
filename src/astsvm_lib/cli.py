"""The command ``astsvm``."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from astsvm_lib import __version__
from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments.profiles import PROFILES
from astsvm_lib.recipe import Recipe

if TYPE_CHECKING:
    from astsvm_lib.datasets import Clip, Dataset
    from astsvm_lib.evaluation.scores import Scores
    from astsvm_lib.experiments import Record, Run

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
root_option = click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="Folder of the data, where the library does not generate it; by default that of its environment variable.",
)

records_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Folder of records; what was cut goes on from here.",
)

folds_option = click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Folds run at once."
)

recipe_option = click.option(
    "--recipe", "recipe_file", type=click.Path(path_type=Path), help="Recipe file; the default otherwise."
)


def _read_recipe(file: Path | None) -> Recipe:
    """The recipe in a file, or the default one."""
    return Recipe.from_yaml(file) if file else Recipe()


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def _print_scores(scores: Scores, title: str) -> None:
    """Confusion matrix, UAR and UF1."""
    width = max(len(c) for c in scores.classes) + 2
    click.echo(f"\n{title}: UAR {scores.uar:.3f}, UF1 {scores.uf1:.3f}")
    click.echo(" " * width + "".join(f"{c:>{width}}" for c in scores.classes) + "   <- predicted")
    for name, row in zip(scores.classes, scores.matrix, strict=True):
        click.echo(f"{name:<{width}}" + "".join(f"{n:>{width}}" for n in row))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="astsvm")
def command() -> None:
    r"""AST+SVMNet companion: rerun a micro-expression recognition paper, step by step.

    Everything works out of the box on rehearsal data (rendered faces). Begin with

    \b
      astsvm data list
      astsvm evaluate --dataset rehearsal-mini --profile smoke
    """


@command.group()
def data() -> None:
    """Which data sets are declared, whether they are as they should be, and rendered ones as files."""


@data.command("list")
@json_option
def data_list(as_json: bool) -> None:
    """List the declared data sets with their subjects, clips and classes."""
    from astsvm_lib.datasets import available, load_manifest

    rows: list[dict[str, Any]] = []
    for name in available():
        manifest = load_manifest(name)
        rows.append(
            {
                "id": manifest.id,
                "title": manifest.heading,
                "subjects": manifest.subjects,
                "clips": sum(manifest.classes.values()),
                "classes": manifest.classes,
                "access": manifest.access,
            }
        )
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        classes = ", ".join(f"{n} {label}" for label, n in row["classes"].items())
        click.echo(f"{row['id']}: {row['clips']} clips of {row['subjects']} subjects ({classes}); {row['access']}")


@data.command("check")
@click.argument("dataset", metavar="ID")
@root_option
@json_option
def data_check(dataset: str, root: Path | None, as_json: bool) -> None:
    """Check that data set ID is as its manifest declares; exit 0 only if it is.

    Looks for the data up to three folders below the root, reads the annotation and the first and last frame
    of each scored clip, and prints one line for whatever is not as it should be. Notes are about what was
    found and could be coped with. Generated data is rendered as far as the first clip's onset.
    """
    from astsvm_lib.datasets import inspect

    found = inspect(dataset, root, read_frames=True)
    deviations = found.deviations()
    if found.manifest.access == "generated":
        deviations += _without_face(found.clips[0])
    if as_json:
        _print_json(
            {
                "id": found.id,
                "heading": found.manifest.heading,
                **_counts(found),
                "expected": {
                    "subjects": found.manifest.subjects,
                    "clips": sum(found.manifest.classes.values()),
                    "classes": found.manifest.classes,
                    "frames": list(found.manifest.lengths),
                },
                "digest": found.fingerprint,
                "deviations": deviations,
                "notes": list(found.notes),
            }
        )
    else:
        for line in found.notes:
            click.echo(f"note: {line}")
        for line in deviations:
            click.echo(line)
        counts = _counts(found)
        classes = ", ".join(f"{n} {label}" for label, n in counts["classes"].items())
        lengths = " of {} to {} frames".format(*counts["frames"]) if counts["frames"] else ""
        plural = "" if len(deviations) == 1 else "s"
        verdict = "as declared" if not deviations else f"{len(deviations)} deviation{plural}"
        click.echo(f"{found.id}: {len(found)} clips{lengths}, {counts['subjects']} subjects ({classes}): {verdict}")
    sys.exit(1 if deviations else 0)


def _counts(found: Dataset) -> dict[str, Any]:
    """What is there of a data set: subjects, clips, classes, fewest and most frames of a clip."""
    counts, lengths = Counter(clip.label for clip in found), [clip.length for clip in found]
    return {
        "subjects": len(found.groups),
        "clips": len(found),
        "classes": {label: counts[label] for label in found.classes},
        "frames": [min(lengths), max(lengths)] if lengths else [],
    }


def _without_face(clip: Clip) -> list[str]:
    """What is wrong with a clip's onset frame: nothing, if one face is found in it."""
    from astsvm_lib.preprocessing import find_landmarks

    try:
        find_landmarks(clip.load_frames([clip.onset])[0], f"{clip.key}, frame 0")
    except CompanionError as error:
        return [str(error)]
    return []


@data.command("rehearse")
@click.argument("dataset", metavar="ID")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write to; must be empty.")
def data_rehearse(dataset: str, out: Path) -> None:
    """Write rendered faces in the folders and sheets of real data set ID, to practise on without a licence.

    Every command that takes --root then runs on it as on the real data, and says that it is rehearsal data.
    """
    from astsvm_lib.datasets import load_manifest
    from astsvm_lib.rehearsal.layout import write_layout

    parts = load_manifest(dataset).parts
    if parts and out.exists() and any(out.iterdir()):
        raise CompanionError(f"{out}: expected an empty folder, found files in it; name another one")
    for part in parts or [dataset]:
        write_layout(part, out / part if parts else out)
    click.echo(f"rendered faces in the layout of {load_manifest(dataset).title}: {out}")


@data.command("croissant")
@click.argument("dataset", metavar="ID")
def data_croissant(dataset: str) -> None:
    """Print data set ID's description as Croissant 1.0 JSON-LD, for programs that look for data."""
    from astsvm_lib.datasets import load_manifest
    from astsvm_lib.datasets.croissant import croissant

    _print_json(croissant(load_manifest(dataset)))


@data.command("export-landmarks")
@click.argument("dataset", metavar="ID")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="JSON file to write.")
@recipe_option
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Clips worked on at once.")
@root_option
def data_export_landmarks(dataset: str, out: Path, recipe_file: Path | None, jobs: int, root: Path | None) -> None:
    """Write the landmarks of data set ID into one small file, for a machine without dlib.

    Landmarks of faces under a licence are under that licence too.
    """
    from astsvm_lib.datasets import load
    from astsvm_lib.preprocessing.landmark_file import export_landmarks

    count = export_landmarks(load(dataset, root), _read_recipe(recipe_file), out, jobs)
    click.echo(f"{dataset}: landmarks of {count} clips in {out}")


@data.command("import-landmarks")
@click.argument("dataset", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path))
@recipe_option
@root_option
def data_import_landmarks(dataset: str, file: Path, recipe_file: Path | None, root: Path | None) -> None:
    """Take landmarks of data set ID from FILE, so that nothing has to be detected here.

    The file is checked against the frames that lie here; all of it is taken, or nothing.
    """
    from astsvm_lib.datasets import load
    from astsvm_lib.preprocessing.landmark_file import import_landmarks

    count = import_landmarks(load(dataset, root), _read_recipe(recipe_file), file)
    click.echo(f"{dataset}: landmarks of {count} clips taken from {file}")


@data.command("prepare")
@click.argument("dataset", metavar="ID")
@recipe_option
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Clips prepared at once.")
@root_option
def data_prepare(dataset: str, recipe_file: Path | None, jobs: int, root: Path | None) -> None:
    """Prepare every clip of data set ID, so that evaluate finds them ready.

    Landmarks and frames (10, 192, 192) are kept in the cache; rendered frames are not kept.
    """
    from astsvm_lib.datasets import load
    from astsvm_lib.preprocessing.pipeline import prepare_all

    loaded = load(dataset, root)
    prepare_all(loaded.clips, _read_recipe(recipe_file), jobs=jobs)
    click.echo(f"{loaded.id}: {len(loaded)} clips are prepared")


@data.command("render")
@click.argument("dataset", metavar="ID")
@click.option("--clip", "clips", multiple=True, metavar="KEY", help="SUBJECT/CLIP; repeatable. All clips otherwise.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("rendered"), show_default=True, help="Folder to write to."
)
@click.option(
    "--flow",
    type=click.Choice(["apex", "all", "none"]),
    default="apex",
    show_default=True,
    help="True flow from the onset: to the apex, to every frame (large), or none.",
)
@click.option("--video", type=click.Path(path_type=Path), help="Also write one clip as a video (.mp4 or .avi).")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Clips rendered at once.")
def data_render(dataset: str, clips: tuple[str, ...], out: Path, flow: str, video: Path | None, jobs: int) -> None:
    """Render clips of data set ID into files: frames, true motion, light, landmarks, annotation.

    What lies there already is not rendered again. README.txt in the folder tells the layout.
    """
    from astsvm_lib.datasets import load
    from astsvm_lib.rehearsal.export import (
        check_video_name,
        find_clip,
        render_clips,
        require_rendered,
        write_annotation,
        write_video,
    )

    loaded = load(dataset)
    require_rendered(loaded)
    if video is not None:
        check_video_name(video)
        if len(clips) != 1:
            raise CompanionError(f"--video: expected exactly one --clip to film, found {len(clips)}")
    chosen = [find_clip(loaded, name) for name in clips] or [*loaded.clips, *loaded.unscored]
    folders = {part: load(part) for part in dict.fromkeys(clip.dataset for clip in chosen)}
    render_clips(chosen, out, flow, jobs)  # type: ignore[arg-type]
    for part, data_set in folders.items():
        write_annotation(data_set, out / part)
    if video is not None:
        write_video(chosen[0].load_frames(), chosen[0].fps, video)
        click.echo(f"{chosen[0].key} at {chosen[0].fps:g} fps: {video}")
    for part in folders:
        count = sum(clip.dataset == part for clip in chosen)
        click.echo(f"{part} (rehearsal data): {count} {'clip' if count == 1 else 'clips'} in {out / part}")


@command.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
def recipe(file: Path | None, as_json: bool) -> None:
    """Print the default recipe, or check FILE and print it in full.

    A recipe holds every choice that the paper leaves open (R1-R15). Save it, change a line, and give it
    to evaluate with --recipe.
    """
    chosen = _read_recipe(file)
    if as_json:
        _print_json(chosen.to_dict())
    else:
        click.echo(chosen.to_yaml(), nl=False)


@command.group()
def network() -> None:
    """The network of the paper."""


@network.command("summary")
@recipe_option
@json_option
def network_summary(recipe_file: Path | None, as_json: bool) -> None:
    """Every layer with its output shape (without the batch) and parameter count, as in Table 1."""
    from astsvm_lib.processes import without_chatter

    chosen = _read_recipe(recipe_file)
    with without_chatter():
        from astsvm_lib.network import build_network, layer_table

        rows = layer_table(build_network(chosen))
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        shape = "x".join(map(str, row["output_shape"]))
        click.echo(f"{row['name']:<22}{shape:>16}{row['parameters']:>10}")
    click.echo(f"{'total':<22}{'':>16}{sum(row['parameters'] for row in rows):>10}")


@command.command()
@click.argument("video", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where to write the .npz file.")
@click.option("--onset", type=int, default=0, show_default=True, help="First frame, counted from 0.")
@click.option("--offset", type=int, help="Last frame, included; the recording's last by default.")
@click.option("--fps", type=float, help="Frames a second; needed for a folder of frames.")
@recipe_option
def preprocess(
    video: Path, out: Path, onset: int, offset: int | None, fps: float | None, recipe_file: Path | None
) -> None:
    """Prepare your own clip: VIDEO is a video file or a folder of frames of one face.

    The file holds frames (10, 192, 192), flow and idsf of the same shape, the onset's 68 landmarks, and
    the transform from the frame to the crop.
    """
    from astsvm_lib.datasets.video import read_clip
    from astsvm_lib.features.pipeline import from_prepared
    from astsvm_lib.preprocessing import prepare_frames
    from astsvm_lib.preprocessing.pipeline import find_all_landmarks
    from astsvm_lib.storage import write_arrays

    if out.suffix != ".npz":
        raise CompanionError(f"--out: expected a file name that ends in .npz, found '{out.name}'")
    chosen = _read_recipe(recipe_file)
    clip = read_clip(video, onset, offset, fps)
    frames = clip.load_frames()
    landmarks = find_all_landmarks(frames, chosen, str(video))
    prepared = prepare_frames(frames, clip.fps, landmarks, chosen, str(video))
    features = from_prepared(prepared.frames, chosen)
    write_arrays(
        out,
        {
            "frames": prepared.frames,
            "flow": features.flow,
            "idsf": features.idsf,
            "landmarks": prepared.landmarks,
            "transform": prepared.transform,
        },
    )
    click.echo(f"{clip.length} frames at {clip.fps:g} fps -> {'x'.join(map(str, prepared.frames.shape))}: {out}")


@command.command()
@click.option("--dataset", required=True, metavar="ID", help="Data set, as in: astsvm data list.")
@click.option(
    "--profile",
    type=click.Choice(list(PROFILES)),
    default="quick",
    show_default=True,
    help="; ".join(f"{p.name}: {p.purpose}" for p in PROFILES.values()) + ".",
)
@click.option("--method", default="ast-svmnet", show_default=True, metavar="NAME", help="As in: astsvm methods.")
@recipe_option
@click.option(
    "--settings", "settings_file", type=click.Path(path_type=Path), help="The method's settings; its own otherwise."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@folds_option
@root_option
@records_option
@click.option("--again", is_flag=True, help="Run even what is stored.")
@json_option
def evaluate(
    dataset: str,
    profile: str,
    method: str,
    recipe_file: Path | None,
    settings_file: Path | None,
    seed: int,
    jobs: int,
    root: Path | None,
    out: Path,
    again: bool,
    as_json: bool,
) -> None:
    """Leave-one-subject-out: learn from all but one subject, test that one, and store a record.

    By default the paper's method: train the network, transfer to the SVM. Other methods are listed by:
    astsvm methods.
    """
    from astsvm_lib.datasets import load
    from astsvm_lib.experiments import Store, plan
    from astsvm_lib.experiments import evaluate as start
    from astsvm_lib.methods import method_named

    settings = method_named(method).settings.from_yaml(settings_file) if settings_file else None
    run = plan(load(dataset, root), _read_recipe(recipe_file), profile, seed, method, settings)
    record = start(run, jobs, Store(out), again=again)
    path = out / f"{record.name}.json"
    scores = {head: record.scores(head) for head in record.heads}
    if as_json:
        heads = {
            head: {"uar": s.uar, "uf1": s.uf1, "confusion_matrix": s.matrix.tolist()} for head, s in scores.items()
        }
        about = {"record": str(path), "heading": record.heading, "method": method, "classes": record.classes}
        _print_json({**about, **heads})
        return
    amount = f", {record.epochs} epochs" if record.epochs else ""
    click.echo(f"{record.heading}, {run.method.title}: {len(record.clips)} clips, {len(record.folds)} subjects{amount}")
    for head, found in scores.items():
        _print_scores(found, run.method.heads[head])
    click.echo(f"\n{record.device}; {record.seconds:.0f} s of folds\nrecord: {path}")


@command.command("run")
@click.option("--table", "number", default="all", show_default=True, metavar="N|all", help="Which table: 4 to 12.")
@click.option(
    "--dataset", "names", multiple=True, required=True, metavar="ID", help="Data set; may be given more than once."
)
@click.option("--profile", type=click.Choice(list(PROFILES)), default="quick", show_default=True)
@click.option("--seeds", default="0", show_default=True, metavar="0,1,2", help="Each is a run of its own.")
@recipe_option
@folds_option
@click.option("--backend", type=click.Choice(["tensorflow", "jax", "torch"]), help="What Keras computes with.")
@click.option("--scheduler", metavar="ADDRESS", help="Of a Dask cluster; 'local' starts --jobs workers here.")
@root_option
@records_option
@click.option("--dry-run", is_flag=True, help="Say what would be run, and run nothing.")
def run_tables(
    number: str,
    names: tuple[str, ...],
    profile: str,
    seeds: str,
    recipe_file: Path | None,
    jobs: int,
    backend: str | None,
    scheduler: str | None,
    root: Path | None,
    out: Path,
    dry_run: bool,
) -> None:
    """Run what the paper's tables need: each network once, for all rows that share it.

    What is stored is skipped, what was cut goes on. Eight networks serve all of Tables 9 to 12.
    """
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    from astsvm_lib.datasets import load
    from astsvm_lib.experiments import Store, evaluate
    from astsvm_lib.experiments.cluster import connected
    from astsvm_lib.experiments.tables import TABLES, runs_of, table_numbered
    from astsvm_lib.experiments.time_left import TimeLeft

    if number != "all" and not number.isdigit():
        raise CompanionError(f"--table: expected a number or 'all', found '{number}'")
    tables = list(TABLES.values()) if number == "all" else [table_numbered(int(number))]
    chosen, store = _read_recipe(recipe_file), Store(out)
    runs = []
    for name in names:
        runs += runs_of(tables, load(name, root), chosen, profile, list(dict.fromkeys(_numbers("--seeds", seeds))))
    waiting = [run for run in runs if not store.is_current(run)]
    click.echo(f"{len(runs)} runs, {len(runs) - len(waiting)} of them stored in {out}")
    if dry_run:
        for run in waiting:
            click.echo(f"  {run.name}")
        return
    clock = TimeLeft(waiting)
    with ExitStack() as stack:
        if scheduler:  # all configurations at once: the cluster has work for every worker
            client = stack.enter_context(connected(scheduler, jobs))
            pool = stack.enter_context(ThreadPoolExecutor(max(1, len(waiting))))
            futures = {pool.submit(evaluate, run, 1, store, progress=False, client=client): run for run in waiting}
            finished: Iterator[tuple[Run, Record]] = ((futures[f], f.result()) for f in as_completed(futures))
        else:
            finished = ((run, evaluate(run, jobs, store)) for run in waiting)
        for place, (run, record) in enumerate(finished, 1):
            found = {head: record.scores(head) for head in record.heads}
            scores = "; ".join(f"{head} UAR {s.uar:.3f} UF1 {s.uf1:.3f}" for head, s in found.items())
            click.echo(f"{place} of {len(waiting)}, {clock.finished(run)}: {record.name}: {scores}")


def _numbers(option: str, text: str) -> list[int]:
    """Numbers from ``0,1,2``."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise CompanionError(f"{option}: expected whole numbers with commas between them, found '{text}'")
    return [int(part) for part in parts]


@command.command("attainable")
@click.option("--sizes", required=True, metavar="70,51,43", help="Clips of each of the three classes.")
@click.option("--uar", type=float, required=True)
@click.option("--uf1", type=float, required=True)
@click.option("--decimals", type=click.IntRange(1, 6), default=3, show_default=True, help="To which both are rounded.")
@json_option
def show_attainable(sizes: str, uar: float, uf1: float, decimals: int, as_json: bool) -> None:
    """Can this UAR and this UF1 belong together? An exact search over confusion matrices."""
    from astsvm_lib.evaluation.attainable import attainable

    answer = attainable(_numbers("--sizes", sizes), uar, uf1, decimals)
    matrix = None if answer.matrix is None else answer.matrix.tolist()
    if as_json:
        _print_json({"possible": answer.possible, "confusion_matrix": matrix, "uf1_range": answer.uf1_range})
        return
    about = f"UAR {uar:.{decimals}f} and UF1 {uf1:.{decimals}f} with classes of {sizes} clips"
    click.echo(f"{about}: {'possible' if answer.possible else 'not possible'}")
    if matrix:
        click.echo("one confusion matrix that has both (row = truth):")
        for row in matrix:
            click.echo("".join(f"{count:>6}" for count in row))
    if answer.uf1_range is None:
        click.echo("no confusion matrix of these class sizes has this UAR")
    else:
        least, most = answer.uf1_range
        click.echo(f"with this UAR, UF1 lies between {least:.{decimals}f} and {most:.{decimals}f}")


@command.command("table")
@click.argument("number", type=int)
@click.option("--dataset", "names", multiple=True, metavar="ID", help="Data set; by default the rehearsal of each.")
@click.option("--profile", type=click.Choice(list(PROFILES)), help="Read only this profile's records.")
@recipe_option
@root_option
@click.option("--results", type=click.Path(path_type=Path), help="Folder of records; the book's own by default.")
@click.option("--format", "form", type=click.Choice(["md", "csv", "latex", "json"]), default="md", show_default=True)
def show_table(
    number: int,
    names: tuple[str, ...],
    profile: str | None,
    recipe_file: Path | None,
    root: Path | None,
    results: Path | None,
    form: str,
) -> None:
    """Table NUMBER of the paper (4 to 12) and what was run here, in two blocks that are never mixed."""
    from astsvm_lib.datasets import load
    from astsvm_lib.experiments import Store
    from astsvm_lib.experiments.tables import as_objects, results_of, table_numbered
    from astsvm_lib.experiments.writing import written

    table = table_numbered(number)
    store, chosen = Store(results) if results else Store(), _read_recipe(recipe_file)
    found = {name: results_of(table, load(name, root), store, chosen, profile) for name in names or table.datasets}
    if form == "json":
        _print_json(as_objects(table, found))
    else:
        click.echo(written(table, found, form), nl=False)


@command.command()
@click.argument("name", required=False)
@json_option
def methods(name: str | None, as_json: bool) -> None:
    """List the methods that evaluate can run, or print the settings of method NAME.

    Save the settings, change a line, and give them to evaluate with --settings.
    """
    from astsvm_lib.methods import METHODS, method_named

    if name is not None:
        settings = method_named(name).settings()
        if as_json:
            _print_json(settings.to_dict())
        else:
            click.echo(settings.to_yaml().rstrip() if settings.to_dict() else f"{name} is set by the recipe alone")
        return
    if as_json:
        _print_json(
            [{"name": m.name, "title": m.title, "paper": m.paper, "inputs": m.inputs} for m in METHODS.values()]
        )
        return
    for method in METHODS.values():
        click.echo(f"{method.name}: {method.title}; {method.inputs}")


@command.command()
@click.option("--dataset", required=True, metavar="ID", help="Data set, as in: astsvm data list.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Clips worked on at once.")
@root_option
@json_option
def baseline(dataset: str, jobs: int, root: Path | None, as_json: bool) -> None:
    """The public baseline: an SVM on onset-apex flow, leaving one subject out at a time.

    Horizontal and vertical flow and optical strain at 28x28, standardised in the fold; RBF kernel, C = 1,
    balanced classes. Parts of a composite are also run on their own.
    """
    from astsvm_lib.datasets import load
    from astsvm_lib.evaluation.baseline import evaluate_baseline
    from astsvm_lib.recipe import Recipe

    loaded = load(dataset, root)
    results = evaluate_baseline(loaded, Recipe(), jobs)
    if as_json:
        _print_json(
            {
                name: {"uar": s.uar, "uf1": s.uf1, "classes": s.classes, "confusion_matrix": s.matrix.tolist()}
                for name, s in results.items()
            }
        )
        return
    for name, scores in results.items():
        _print_scores(scores, name)


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--truth", required=True, metavar="COL", help="Column of true labels.")
@click.option("--prediction", required=True, metavar="COL", help="Column of predicted labels.")
@click.option("--subject", metavar="COL", help="Column of subjects: adds the mean over folds, as a warning.")
@click.option("--group", metavar="COL", help="Column of groups, such as data sets: adds each one's scores.")
@json_option
def score(file: Path, truth: str, prediction: str, subject: str | None, group: str | None, as_json: bool) -> None:
    """Score a LOSO log: FILE is a CSV table with a row a clip, from any method."""
    from astsvm_lib.evaluation.logs import score_log

    result = score_log(file, truth, prediction, subject, group)
    if result.strangers:
        names = ", ".join(result.strangers)
        click.echo(f"note: predicted but never true, so counted as missed: {names}", err=True)
    if as_json:
        _print_json(result.to_dict())
        return
    _print_scores(result.pooled, f"pooled over {int(result.pooled.matrix.sum())} clips")
    click.echo("")
    for name, values in result.pooled.per_class.items():
        click.echo(f"  {name}: {values['clips']} clips, recall {values['recall']:.3f}, F1 {values['f1']:.3f}")
    for name, scores in result.per_group.items():
        clips = int(scores.matrix.sum())
        click.echo(f"  group {name}: {clips} clips, UAR {scores.uar:.3f}, UF1 {scores.uf1:.3f}")
    if result.fold_mean_uar is not None:
        click.echo(
            f"\nNot to be reported: the mean over folds is UAR {result.fold_mean_uar:.3f}, "
            f"UF1 {result.fold_mean_uf1:.3f}.\nA subject's few clips seldom hold every class; only the pooled "
            "matrix counts each clip once."
        )


@command.group()
def chapter() -> None:
    """Run single chapters of the book."""


@chapter.command("list")
def chapter_list() -> None:
    """List the chapters and the parameters that each takes."""
    from astsvm_lib.book import chapters, parameters_of

    for name in chapters():
        values = ", ".join(f"{k}={v!r}" for k, v in parameters_of(name).items())
        click.echo(f"{name}: {values or 'takes no parameters'}")


@chapter.command("run")
@click.argument("name")
@click.option("-p", "parameters", nargs=2, multiple=True, metavar="KEY VALUE", help="Set a parameter; repeatable.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Notebook to write; by default NAME.ipynb in the build folder."
)
@root_option
def chapter_run(name: str, parameters: tuple[tuple[str, str], ...], out: Path | None, root: Path | None) -> None:
    """Run chapter NAME through papermill: as it stands, or with other parameters."""
    import yaml

    from astsvm_lib.book import parameters_of, run_chapter
    from astsvm_lib.datasets.manifest import set_root

    values = {key: yaml.safe_load(value) for key, value in parameters}
    if root is not None:
        set_root([str((parameters_of(name) | values).get("dataset", ""))], root)
    click.echo(f"executed: {run_chapter(name, values, out)}")


@command.command()
@click.option("--params", type=click.Path(path_type=Path), help="YAML file of parameters; book/params/ has examples.")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Chapters run at once.")
@root_option
def book(params: Path | None, jobs: int, root: Path | None) -> None:
    """Run every chapter, render the book, and print where it is."""
    from astsvm_lib.book import build, datasets_used
    from astsvm_lib.datasets.manifest import set_root

    if root is not None:
        set_root(datasets_used(params), root)
    click.echo(f"The book is at {build(params, jobs)}")


def main() -> None:
    """Entry point: errors that the user can mend are one message, not a traceback."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets its users on stderr
    try:
        command(standalone_mode=False)
    except CompanionError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except click.Abort:
        click.echo(
            "interrupted; finished folds and cached clips are kept: the same command goes on from there", err=True
        )
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
