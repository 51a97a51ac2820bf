"""Commands for a recipe, the network, a single clip, or a log."""

from __future__ import annotations

from pathlib import Path

import click

from astsvm_lib.cli.options import json_option, print_json, print_scores, read_recipe, recipe_option
from astsvm_lib.errors import CompanionError


@click.command("recipe")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
def recipe_command(file: Path | None, as_json: bool) -> None:
    """Print the default recipe, or check a recipe file and print it in full.

    A recipe contains every choice that the paper leaves open (R1-R15). Save it, change a line, and pass it
    to evaluate with --recipe.
    """
    chosen = read_recipe(file)
    if as_json:
        print_json(chosen.to_dict())
    else:
        click.echo(chosen.to_yaml(), nl=False)


@click.group()
def network_group() -> None:
    """Show the network of the paper."""


@network_group.command("summary")
@recipe_option
@json_option
def network_summary(recipe_file: Path | None, as_json: bool) -> None:
    """Every layer with its output shape (without the batch) and parameter count, as in Table 1."""
    from astsvm_lib.parallel import quiet_stderr

    chosen = read_recipe(recipe_file)
    with quiet_stderr():
        from astsvm_lib.models.ast_network import build_network, layer_table

        rows = layer_table(build_network(chosen))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        shape = "x".join(map(str, row["output_shape"]))
        click.echo(f"{row['name']:<22}{shape:>16}{row['parameters']:>10}")
    click.echo(f"{'total':<22}{'':>16}{sum(row['parameters'] for row in rows):>10}")


@click.command("preprocess")
@click.argument("video", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write, .npz.")
@click.option("--onset", type=int, default=0, show_default=True, help="First frame, counted from 0.")
@click.option("--offset", type=int, help="Last frame, included; the recording's last by default.")
@click.option("--fps", type=float, help="Frame rate in Hz; required for a folder of frames.")
@recipe_option
def preprocess_command(
    video: Path, out: Path, onset: int, offset: int | None, fps: float | None, recipe_file: Path | None
) -> None:
    """Prepare a clip of your own.

    VIDEO is a video file or a folder of frames of one face. The output file contains frames
    (10, 192, 192), flow and idsf of the same shape, the 68 landmarks of the onset, and the transform from
    the frame to the crop.
    """
    from astsvm_lib.datasets.video import read_clip
    from astsvm_lib.features.pipeline import from_prepared
    from astsvm_lib.preprocessing import prepare_frames
    from astsvm_lib.preprocessing.pipeline import find_all_landmarks
    from astsvm_lib.storage import write_arrays

    if out.suffix != ".npz":
        raise CompanionError(f"--out: expected a file name that ends in .npz, found '{out.name}'")
    chosen = read_recipe(recipe_file)
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


@click.command("score")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--truth", required=True, metavar="COL", help="Column of true labels.")
@click.option("--prediction", required=True, metavar="COL", help="Column of predicted labels.")
@click.option("--subject", metavar="COL", help="Column of subjects: adds the mean over folds, as a warning.")
@click.option("--group", metavar="COL", help="Column of groups, such as data sets: adds each one's scores.")
@json_option
def score_command(
    file: Path, truth: str, prediction: str, subject: str | None, group: str | None, as_json: bool
) -> None:
    """Score the LOSO log of any method: a CSV table with one row per clip."""
    from astsvm_lib.evaluation.logs import score_log

    result = score_log(file, truth, prediction, subject, group)
    if result.unknown_labels:
        names = ", ".join(result.unknown_labels)
        click.echo(f"note: labels that occur only as predictions, counted as errors: {names}", err=True)
    if as_json:
        print_json(result.to_dict())
        return
    print_scores(result.pooled, f"pooled over {int(result.pooled.matrix.sum())} clips")
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
