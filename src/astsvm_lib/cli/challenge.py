"""Commands on challenges for a class."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def challenge_group() -> None:
    """Make a challenge for a class from clips that nobody has seen, and grade the submissions."""


@challenge_group.command("new")
@click.option("--students", type=click.IntRange(min=1), required=True, help="Number of students; each gets a code.")
@click.option(
    "--seed", type=click.IntRange(min=0), help="Seed; by default a random number that nobody can guess. Keep it secret."
)
@click.option("--train-subjects", type=int, default=12, show_default=True, help="Subjects whose clips have labels.")
@click.option("--test-subjects", type=int, default=8, show_default=True, help="Other subjects, for the test.")
@click.option("--clips", type=int, default=8, show_default=True, help="Clips per subject, on average.")
@click.option("--motion", type=float, default=0.9, show_default=True, help="Median of the peak motion in pixels.")
@click.option(
    "--light", type=float, default=0.01, show_default=True, help="Largest change of the light, as a fraction."
)
@click.option("--fps", type=float, default=100.0, show_default=True, help="Frames per second.")
@click.option("--size", type=int, default=240, show_default=True, help="Side of a frame in pixels.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Clips rendered in parallel.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to create.")
def challenge_new(students: int, seed: int | None, jobs: int, out: Path, **values: float) -> None:
    """Render a data set: public/ for the students, instructor/ with the true labels."""
    from pydantic import ValidationError

    from astsvm_lib.challenge.design import Options
    from astsvm_lib.challenge.files import OWN, PUBLIC, make_challenge
    from astsvm_lib.errors import CompanionError

    try:
        options = Options.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise CompanionError(f"--{option}: {first['msg']}, found {first['input']}") from None
    make_challenge(out, students, options, seed, jobs)
    click.echo(f"hand out {out / PUBLIC}; keep {out / OWN} to yourself: it holds the labels, the seed and the codes")


@challenge_group.command("grade")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("submissions", type=click.Path(path_type=Path, dir_okay=False), nargs=-1, required=True)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the leaderboard; by default FOLDER/leaderboard."
)
def challenge_grade(folder: Path, submissions: tuple[Path, ...], out: Path | None) -> None:
    """Grade SUBMISSIONS to the challenge in FOLDER, and write the leaderboard."""
    from astsvm_lib.challenge.files import read_sealed
    from astsvm_lib.challenge.grading import grade
    from astsvm_lib.challenge.leaderboard import leaderboard_csv, leaderboard_page
    from astsvm_lib.storage import write_atomically

    sealed = read_sealed(folder)
    results = grade(sealed, submissions)
    test = sealed.part("test")
    target = out or folder / "leaderboard"
    write_atomically(target / "leaderboard.csv", leaderboard_csv(results).encode())
    page = leaderboard_page(results, len(test), len({clip.subject for clip in test.values()}))
    write_atomically(target / "leaderboard.html", page.encode())
    for result in results:
        if result.scores is None:
            click.echo(f"not graded  {result.name}: {'; '.join(result.problems)}")
            continue
        low, high = result.scores.uf1_interval
        remarks = f"  ({'; '.join(result.remarks)})" if result.remarks else ""
        rank = f"{result.rank}{' (tied)' if result.tied else ''}"
        uf1 = f"UF1 {result.scores.uf1:.3f} ({low:.3f} to {high:.3f})"
        click.echo(f"{rank:11} {result.name}  {uf1}  UAR {result.scores.uar:.3f}{remarks}")
    click.echo(f"leaderboard: {target / 'leaderboard.html'}")


@challenge_group.command("leaks")
@click.option("--students", type=click.IntRange(min=1), required=True, help="Number of students; each gets a notebook.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed; by default a random number. Keep it secret.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to create.")
def challenge_leaks(students: int, seed: int | None, out: Path) -> None:
    """Write notebooks of an evaluation with one leak each: public/ for the students, instructor/ with the key."""
    from astsvm_lib.challenge.leaks import OWN, PUBLIC, make_leaks

    make_leaks(out, students, seed)
    click.echo(f"hand out {out / PUBLIC}; keep {out / OWN} to yourself: it holds the key and the codes")


@challenge_group.command("grade-leaks")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("answers", type=click.Path(path_type=Path, dir_okay=False), nargs=-1, required=True)
def challenge_grade_leaks(folder: Path, answers: tuple[Path, ...]) -> None:
    """Grade ANSWERS, CSV files with code and kind, to the notebooks in FOLDER."""
    from astsvm_lib.challenge.leaks import KINDS, grade_leaks, read_leaks

    table = grade_leaks(read_leaks(folder), answers)
    for row in table.to_dict("records"):
        verdict = "right" if row["right"] else f"wrong: {row['answer']}" if row["answer"] else "no answer"
        click.echo(f"{row['code']}  {row['planted']:12}  {verdict}")
    for kind in KINDS:
        own = table[table["planted"] == kind]
        if len(own):
            click.echo(f"{kind}: found by {own['right'].sum()} of {len(own)}")
    click.echo(f"{table['right'].sum()} of {len(table)} leaks found")
