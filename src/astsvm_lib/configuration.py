"""Locations of folders, from an argument, an environment variable, or ``[tool.astsvm]`` in ``pyproject.toml``."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from astsvm_lib.errors import CompanionError

#: Setting -> environment variable.
VARIABLES = {
    "results": "ASTSVM_RESULTS",
    "book": "ASTSVM_BOOK",
    "build": "ASTSVM_BUILD",
    "course": "ASTSVM_COURSE",
}
#: Folder of this package.
PACKAGE = Path(__file__).resolve().parent


def project_file(start: Path | None = None) -> Path | None:
    """The nearest ``pyproject.toml`` with a table ``[tool.astsvm]``, searched from a folder upwards; None if absent.

    Parameters
    ----------
    start
        Folder where the search starts. By default, the working directory, and then the folder of this package: if it
        is installed from a checkout in editable mode, notebooks outside the checkout find the checkout's files.
    """
    starts = [start.resolve()] if start else [Path.cwd().resolve(), PACKAGE]
    for folder in (folder for here in starts for folder in (here, *here.parents)):
        file = folder / "pyproject.toml"
        if file.is_file() and "[tool.astsvm]" in file.read_text(encoding="utf-8", errors="replace"):
            return file
    return None


def configured_folder(setting: str, given: Path | None = None) -> Path | None:
    """Folder of a setting: the argument, else the environment variable, else the project's configuration.

    Parameters
    ----------
    setting
        A key of :data:`VARIABLES`.
    given
        Folder specified by the user.

    Returns
    -------
    pathlib.Path or None
        None if the folder is not specified anywhere.

    Raises
    ------
    CompanionError
        If the project's configuration is not valid TOML, or the setting is not a string.
    """
    if given is not None:
        return Path(given)
    variable = os.environ.get(VARIABLES[setting])
    if variable:
        return Path(variable).expanduser()
    file = project_file()
    if file is None:
        return None
    try:
        value = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["astsvm"].get(setting)
    except tomllib.TOMLDecodeError as error:
        raise CompanionError(f"{file}: not valid TOML ({error})") from None
    if value is None:
        return None
    if not isinstance(value, str):
        raise CompanionError(f"{file}: tool.astsvm.{setting}: expected the name of a folder, found {value!r}")
    return file.parent / value
