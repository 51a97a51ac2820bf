import operator
import os
import subprocess
import sys

import pytest

from astsvm_lib.parallel import map_ordered, map_unordered


def test_results_come_from_other_processes_with_their_environment():
    assert sorted(map_unordered(operator.mul, [(2, i) for i in range(5)], 2)) == [0, 2, 4, 6, 8]
    assert list(map_unordered(os.getenv, [("ASTSVM_TEST",)], 1, {"ASTSVM_TEST": "set"})) == ["set"]
    assert "ASTSVM_TEST" not in os.environ
    assert os.getpid() not in set(map_unordered(os.getpid, [()], 1))


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_work(jobs):
    assert list(map_ordered(operator.mul, [(2, i) for i in range(7)], jobs, "doubling")) == [0, 2, 4, 6, 8, 10, 12]


def test_the_first_error_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(map_unordered(operator.truediv, [(1, 1), (1, 0)], 1))


def test_a_script_needs_no_main_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from astsvm_lib.parallel import map_ordered\n"
        "def double(x):\n    return 2 * x\n"
        "print(list(map_ordered(double, [(1,), (2,), (3,)], 2, 'doubling', False)))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout == "[2, 4, 6]\n"


def test_startup_messages_are_dropped_and_everything_else_passed_on():
    code = (
        "import os, sys\n"
        "from astsvm_lib.parallel import quiet_stderr\n"
        "with quiet_stderr():\n"
        "    os.write(2, b'WARNING: All log messages before absl::InitializeLog() is called\\nE0000 an error\\n')\n"
        "    print('from Python', file=sys.stderr)\n"
        "print('after', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == ["E0000 an error", "from Python", "after"]
