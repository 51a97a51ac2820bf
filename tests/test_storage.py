import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astsvm_lib.cache import Cache
from astsvm_lib.storage import canonical_json, digest, write_atomically

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), values))
def test_digest_does_not_see_the_order_of_keys(mapping):
    assert digest(mapping) == digest(dict(reversed(mapping.items())))
    assert canonical_json(mapping) == canonical_json(dict(sorted(mapping.items())))


def test_what_is_stored_is_not_made_again(cache: Cache):
    made = []

    def make():
        made.append(1)
        return {"x": np.arange(3)}

    first, second = cache.get("room", "key", make), cache.get("room", "key", make)
    assert len(made) == 1
    assert np.array_equal(first["x"], second["x"])


@pytest.mark.parametrize("damage", [b"", b"not an archive", None])
def test_a_damaged_entry_is_made_again_with_a_warning(cache: Cache, damage):
    good = {"x": np.arange(1000)}
    cache.get("room", "key", lambda: good)
    path = cache.path("room", "key")
    path.write_bytes(path.read_bytes()[:-700] if damage is None else damage)
    with pytest.warns(UserWarning, match="damaged cache entry"):
        again = cache.get("room", "key", lambda: good)
    assert np.array_equal(again["x"], good["x"])
    assert np.array_equal(cache.get("room", "key", dict)["x"], good["x"])


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_killed_writer_leaves_no_half_written_entry(tmp_path: Path):
    code = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from astsvm_lib.storage import write_arrays\n"
        "print('ready', flush=True)\n"
        "while True: write_arrays(Path(sys.argv[1]), {'x': np.full(2_000_000, 7)})\n"
    )
    path = tmp_path / "entry.npz"
    for pause in (0.05, 0.15):
        process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        if path.exists():
            assert (np.load(path)["x"] == 7).all()
