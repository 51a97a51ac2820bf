"""Folds on a Dask cluster, one of whose workers is killed."""

import os
import signal

import pytest

from astsvm_lib.cache import Cache
from astsvm_lib.datasets import load
from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments import Profile, evaluate, plan
from astsvm_lib.experiments.executors import DaskExecutor, connected
from astsvm_lib.recipe import Recipe
from astsvm_lib.results.store import Store

FEW = Profile("few", 1, 0.01, 6, 2, "for tests")
LIGHT = Recipe().replace(inception={"streams": "flow", "modules": "2d"}, attention={"modules": "none"})


def test_a_worker_that_is_killed_loses_nothing_and_repeats_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("ASTSVM_CACHE", str(tmp_path / "cache"))
    run = plan(load("rehearsal-mini"), LIGHT, FEW, 0)
    here = evaluate(run, store=Store(tmp_path / "here"), cache=Cache(tmp_path / "cache"), progress=False)
    came = []
    with connected("local", 2) as client:
        client.wait_for_workers(2, timeout=60)
        pids = client.run(os.getpid)
        assert len(set(pids.values())) == 2

        run_there = DaskExecutor.run

        def killing(self, *arguments):
            for finished in run_there(self, *arguments):
                came.append(finished.result.name)
                if len(came) == 1:
                    os.kill(next(iter(pids.values())), signal.SIGKILL)
                yield finished

        monkeypatch.setattr(DaskExecutor, "run", killing)
        there = evaluate(run, store=Store(tmp_path / "there"), progress=False, client=client)
    assert sorted(came) == sorted(fold.name for fold in here.folds)  # each once
    assert [clip.key for clip in there.clips] == [clip.key for clip in here.clips]
    for a, b in zip(there.clips, here.clips, strict=True):
        assert a.heads["softmax"].scores == pytest.approx(b.heads["softmax"].scores, abs=1e-4)
    assert there.device.startswith("CPU")
    assert list(Store(tmp_path / "there").rows()) == [there.name]
    assert not (tmp_path / "there" / ".partial").exists()


def test_a_scheduler_that_is_not_there_is_told():
    with (
        pytest.raises(CompanionError, match="no Dask scheduler answers at 'nowhere:1'"),
        connected("nowhere:1", 1),
    ):
        pass
