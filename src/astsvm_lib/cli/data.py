"""Commands on data sets."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from astsvm_lib.cli.options import clips_option, json_option, print_json, read_recipe, recipe_option, root_option
from astsvm_lib.errors import CompanionError

if TYPE_CHECKING:
    from astsvm_lib.datasets import Clip, Dataset


@click.group()
def data_group() -> None:
    """Check data sets, render faces, and prepare clips."""


@data_group.command("list")
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
        print_json(rows)
        return
    for row in rows:
        classes = ", ".join(f"{n} {label}" for label, n in row["classes"].items())
        click.echo(f"{row['id']}: {row['clips']} clips of {row['subjects']} subjects ({classes}); {row['access']}")


@data_group.command("check")
@click.argument("dataset", metavar="ID")
@root_option
@json_option
def data_check(dataset: str, root: Path | None, as_json: bool) -> None:
    """Check that data set ID is as its manifest declares; exit 0 only if it is.

    Searches for the data up to three folders below the root, reads the annotation and the first and last frame
    of each scored clip, and prints one line per deviation. Notes report irregularities that were resolved. Of
    generated data, only the onset of the first clip is rendered.
    """
    from astsvm_lib.datasets import inspect

    found = inspect(dataset, root, read_frames=True)
    deviations = found.deviations()
    if found.manifest.access == "generated":
        deviations += _without_face(found.clips[0])
    if as_json:
        print_json(
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
    """Counts of a data set: subjects, clips, clips per class, and smallest and largest number of frames."""
    counts, lengths = Counter(clip.label for clip in found), [clip.length for clip in found]
    return {
        "subjects": len(found.groups),
        "clips": len(found),
        "classes": {label: counts[label] for label in found.classes},
        "frames": [min(lengths), max(lengths)] if lengths else [],
    }


def _without_face(clip: Clip) -> list[str]:
    """Error message if no face is found in the onset of a clip; otherwise empty."""
    from astsvm_lib.preprocessing import find_landmarks

    try:
        find_landmarks(clip.load_frames([clip.onset])[0], f"{clip.key}, frame 0")
    except CompanionError as error:
        return [str(error)]
    return []


@data_group.command("mock-layout")
@click.argument("dataset", metavar="ID")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write to; must be empty.")
def data_mock_layout(dataset: str, out: Path) -> None:
    """Write rendered faces in the folders and sheets of real data set ID, to practise on without a licence.

    Every command with --root then runs on it as on the real data, and marks it as rehearsal data.
    """
    from astsvm_lib.datasets import load_manifest
    from astsvm_lib.rehearsal.layout import write_layout

    parts = load_manifest(dataset).parts
    if parts and out.exists() and any(out.iterdir()):
        raise CompanionError(f"{out}: expected an empty folder, found files in it; name another one")
    for part in parts or [dataset]:
        write_layout(part, out / part if parts else out)
    click.echo(f"rendered faces in the layout of {load_manifest(dataset).title}: {out}")


@data_group.command("croissant")
@click.argument("dataset", metavar="ID")
def data_croissant(dataset: str) -> None:
    """Print data set ID's description as Croissant 1.0 JSON-LD, for programs that look for data."""
    from astsvm_lib.datasets import load_manifest
    from astsvm_lib.datasets.croissant import croissant

    print_json(croissant(load_manifest(dataset)))


@data_group.command("export-landmarks")
@click.argument("dataset", metavar="ID")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="JSON file to write.")
@recipe_option
@clips_option
@root_option
def data_export_landmarks(dataset: str, out: Path, recipe_file: Path | None, jobs: int, root: Path | None) -> None:
    """Write the landmarks of data set ID into one small file, for a machine without dlib.

    The licence of a data set also applies to the landmarks of its faces.
    """
    from astsvm_lib.datasets import load
    from astsvm_lib.preprocessing.landmark_file import export_landmarks

    count = export_landmarks(load(dataset, root), read_recipe(recipe_file), out, jobs)
    click.echo(f"{dataset}: landmarks of {count} clips in {out}")


@data_group.command("import-landmarks")
@click.argument("dataset", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path))
@recipe_option
@root_option
def data_import_landmarks(dataset: str, file: Path, recipe_file: Path | None, root: Path | None) -> None:
    """Import landmarks of data set ID from FILE, so that dlib is not needed.

    The file is checked against the frames on this machine; either all landmarks are imported or none.
    """
    from astsvm_lib.datasets import load
    from astsvm_lib.preprocessing.landmark_file import import_landmarks

    count = import_landmarks(load(dataset, root), read_recipe(recipe_file), file)
    click.echo(f"{dataset}: landmarks of {count} clips imported from {file}")


@data_group.command("prepare")
@click.argument("dataset", metavar="ID")
@recipe_option
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Number of clips prepared in parallel."
)
@root_option
def data_prepare(dataset: str, recipe_file: Path | None, jobs: int, root: Path | None) -> None:
    """Prepare every clip of data set ID, so that evaluate finds them ready.

    Landmarks and frames (10, 192, 192) are stored in the cache; rendered frames are not.
    """
    from astsvm_lib.datasets import load
    from astsvm_lib.preprocessing.pipeline import prepare_all

    loaded = load(dataset, root)
    prepare_all(loaded.clips, read_recipe(recipe_file), jobs=jobs)
    click.echo(f"{loaded.id}: {len(loaded)} clips are prepared")


@data_group.command("render")
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

    Existing files are not rendered again. README.txt in the folder describes the layout.
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
