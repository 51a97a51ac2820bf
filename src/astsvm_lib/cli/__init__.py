"""The command ``astsvm``: one module per group of commands, imported when a command is used.

A command's function has one parameter per option, hence often more than seven.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from astsvm_lib import __version__
from astsvm_lib.errors import CompanionError

#: Command -> module and function, and its line in ``astsvm --help``.
COMMANDS = {
    "attainable": ("paper:attainable_command", "Check whether any confusion matrix has both this UAR and this UF1."),
    "book": ("book:book_command", "Run the chapters that have changed, render the book, and print where it is."),
    "challenge": (
        "challenge:challenge_group",
        "Make a challenge for a class from clips that nobody has seen, and grade the submissions.",
    ),
    "chapter": ("book:chapter_group", "Run single chapters of the book."),
    "course": ("course:course_group", "Make the notebooks and slides of the course, and try its grading."),
    "data": ("data:data_group", "Check data sets, render faces, and prepare clips."),
    "evaluate": (
        "evaluate:evaluate_command",
        "Evaluate a method by leave-one-subject-out or across data sets, and store a record.",
    ),
    "method": ("method:method_group", "Add a method of your own: write a template, and check a class."),
    "methods": ("evaluate:methods_command", "List the methods that evaluate can run, or print a method's settings."),
    "network": ("inspect:network_group", "Show the network of the paper."),
    "preprocess": ("inspect:preprocess_command", "Prepare a clip of your own."),
    "recipe": ("inspect:recipe_command", "Print the default recipe, or check a recipe file and print it in full."),
    "results": ("results:results_group", "List stored results, and verify them by computing folds again."),
    "run": ("evaluate:run_command", "Run everything that the paper's tables need, each network once."),
    "score": ("inspect:score_command", "Score the LOSO log of any method: a CSV table with one row per clip."),
    "study": ("evaluate:study_command", "Run all runs of a study."),
    "table": ("paper:table_command", "Print a table of the paper with the published and the companion's results."),
}


class LazyGroup(click.Group):
    """Group whose commands are imported only when they are used, so that ``--help`` is fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found: click.Command = getattr(importlib.import_module(f"astsvm_lib.cli.{module}"), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="astsvm")
def command() -> None:
    """AST+SVMNet companion: rerun a micro-expression recognition paper, step by step.

    Everything works out of the box on rehearsal data (rendered faces). Begin with

    \b
      astsvm data list
      astsvm evaluate --dataset rehearsal-mini --profile smoke
    """  # noqa: D301 - click needs the character itself


def main(arguments: list[str] | None = None) -> None:
    """Entry point; an error that the user can correct is printed as one message without a traceback.

    Parameters
    ----------
    arguments
        Arguments of the command; those of the process by default.

    Raises
    ------
    SystemExit
        With 1 if a check found deviations, 2 for an error, and 130 for an interruption.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no start-up messages of TensorFlow on stderr
    try:
        command(arguments, standalone_mode=False)
    except CompanionError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except ModuleNotFoundError as error:
        extra = MISSING.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        click.echo(f"error: this needs {error.name}: pip install 'astsvm-lib[{extra}]'", err=True)
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"error: {error.filename}: {error.strerror}", err=True)
        sys.exit(2)
    except click.Abort:
        click.echo(
            "interrupted; finished folds and cached clips are kept: the same command resumes from there", err=True
        )
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)


#: Package that is not installed -> the extra that installs it.
MISSING = {
    "keras": "train", "tensorflow": "train", "jax": "jax", "torch": "torch", "dlib": "landmarks",
    "face_recognition_models": "landmarks", "jupytext": "book", "papermill": "book", "nbformat": "book",
    "jupyter_book": "book", "matplotlib": "book", "seaborn": "book", "IPython": "book", "dask": "cluster",
    "distributed": "cluster",
}  # fmt: skip
