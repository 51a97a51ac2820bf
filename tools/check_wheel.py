"""Build the wheel, install it into an empty environment, and use what must work there.

    python tools/check_wheel.py

The environment gets the wheel and what it depends on, in the locked versions: no TensorFlow, dlib, drawing library
or Jupyter Book.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PROJECT = Path(__file__).parents[1]
ABSENT = ("tensorflow", "keras", "jax", "torch", "dlib", "jupyter_book", "papermill", "matplotlib", "distributed")


def run(*command: str | Path, folder: Path, code: int = 0) -> str:
    """Output of a command that must end with this exit status."""
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("ASTSVM_", "PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=outside)
    if done.returncode != code:
        raise SystemExit(f"{' '.join(map(str, command))}\nexit status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def expect(condition: bool, what: str) -> None:
    """End with a message unless something is as it must be."""
    if not condition:
        raise SystemExit(f"the wheel: expected {what}")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="astsvm-wheel-") as name:
        folder = Path(name)
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, folder=PROJECT)
        (wheel,) = folder.glob("*.whl")
        lock = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
        pins = re.findall(r"^([a-z0-9._-]+==[^ ;\\]+)", lock, re.MULTILINE)
        (folder / "constraints.txt").write_text("\n".join(pins) + "\n", encoding="utf-8")
        venv.create(folder / "empty", with_pip=True)
        python, astsvm = folder / "empty/bin/python", folder / "empty/bin/astsvm"
        run(python, "-m", "pip", "install", "-q", wheel, "-c", "constraints.txt", folder=folder)

        code = f"import importlib.util as u; print([n for n in {ABSENT!r} if u.find_spec(n)])"
        expect(run(python, "-c", code, folder=folder).strip() == "[]", "none of the optional libraries")
        code = "import astsvm_lib, pathlib; print((pathlib.Path(astsvm_lib.__file__).parent / 'py.typed').exists())"
        expect(run(python, "-c", code, folder=folder).strip() == "True", "the marker py.typed")
        listed = json.loads(run(astsvm, "data", "list", "--json", folder=folder))
        expect({"casme2", "rehearsal-megc"} <= {row["id"] for row in listed}, "all data sets in: data list")
        (folder / "log.csv").write_text("t,p\na,a\na,b\nb,b\nb,b\n", encoding="utf-8")
        columns = ("--truth", "t", "--prediction", "p")
        score = json.loads(run(astsvm, "score", "log.csv", *columns, "--json", folder=folder))
        expect(score["uar"] == 0.75, "UAR 0.75")
        pair = ("--sizes", "70,51,43", "--uar", "0.528", "--uf1", "0.200")
        expect("not possible" in run(astsvm, "attainable", *pair, folder=folder), "a pair that is not possible")
        rows = json.loads(run(astsvm, "table", "4", "--format", "json", folder=folder))
        blocks = {row["block"] for row in rows if row["uf1"] is not None}
        expected = {"published", "companion", "companion, real derived flow"}
        expect(blocks == expected, f"published and stored results in Table 4, found {blocks}")
        code = "from astsvm_lib import results; print(len(results.load()), len(results.scores()))"
        predictions, scores = map(int, run(python, "-c", code, folder=folder).split())
        expect(predictions > scores > 0, "stored predictions and scores as data frames")
        told = subprocess.run([astsvm, "network", "summary"], cwd=folder, capture_output=True, text=True, check=False)
        expect("pip install 'astsvm-lib[train]'" in told.stderr, "the extra that network summary needs")
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, {predictions} stored predictions; all as expected")


if __name__ == "__main__":
    main()
