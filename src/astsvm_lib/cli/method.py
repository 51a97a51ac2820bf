"""Commands on methods of one's own."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import click

from astsvm_lib.errors import CompanionError


@click.group()
def method_group() -> None:
    """Add a method of your own: write a template, and check a class."""


@method_group.command("new")
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to create; by default NAME in lower case.")
def method_new(name: str, out: Path | None) -> None:
    """Write a template of a project with a method called NAME, such as MyNet."""
    from astsvm_lib.storage import write_atomically

    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
        raise CompanionError(f"name: expected the name of a class, such as MyNet, found '{name}'")
    module = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    folder = out or Path(module)
    if folder.exists():
        raise CompanionError(f"expected a folder that does not exist, found {folder}; choose another --out")
    names = {"CLASSNAME": name, "MODULE": module, "PROJECT": module.replace("_", "-")}
    for source in sorted(files("astsvm_lib.methods").joinpath("template").iterdir(), key=lambda path: path.name):
        if source.is_file():
            text = source.read_text(encoding="utf-8")
            for word, value in names.items():
                text = text.replace(word, value)
            target = source.name.removesuffix(".txt").replace("method.py", f"{module}.py")
            write_atomically(folder / target, text.encode())
    click.echo(f"{folder}: change {module}.py, then, in the folder: astsvm method check {module}:{name}")


@method_group.command("check")
@click.argument("method", metavar="module:Class")
@click.option("--dataset", default="rehearsal-mini", show_default=True, metavar="ID", help="Data set of the checks.")
def method_check(method: str, dataset: str) -> None:
    """Check that a class keeps what the evaluation expects of it: shapes, determinism, and no look at labels."""
    from astsvm_lib.datasets import load
    from astsvm_lib.methods import method_named
    from astsvm_lib.methods.contract import check_method
    from astsvm_lib.methods.own import OwnMethod

    found = method_named(method)
    if not isinstance(found, OwnMethod):
        raise CompanionError(
            f"expected a class of your own as module:Class, found the method {found.name} of the library"
        )
    data = load(dataset)
    for passed in check_method(found, data.clips, data.classes):
        click.echo(f"passed: {passed}")
