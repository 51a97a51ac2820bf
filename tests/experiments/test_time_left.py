from astsvm_lib.datasets import load
from astsvm_lib.experiments import plan
from astsvm_lib.experiments.time_left import TimeLeft


def test_time_is_counted_by_method_and_by_work():
    data = load("rehearsal-mini")
    short, network, longer = plan(data, None, "smoke", 0, "bi-woof"), plan(data, None, "smoke"), plan(data)
    other = plan(data, None, "smoke", 0, "ststnet")
    seconds = iter([100.0, 160.0, 460.0, 900.0, 960.0])
    left = TimeLeft([short, network, longer, other], clock=lambda: next(seconds))
    assert left.finished(short) == "3 not yet timed (ast-svmnet, ststnet)"
    minutes = 300 * longer.weight / network.weight / 60
    assert left.finished(network) == f"about {minutes:.0f} min left and 1 not yet timed (ststnet)"
    assert left.finished(longer) == "1 not yet timed (ststnet)"
    assert left.finished(other) == "about 0 min left"
