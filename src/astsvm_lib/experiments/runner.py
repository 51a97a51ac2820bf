"""LOSO over a data set: what is stored is skipped, what was cut goes on, the rest is run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from astsvm_lib.evaluation.loso import loso
from astsvm_lib.experiments import provenance
from astsvm_lib.experiments.cluster import folds_on
from astsvm_lib.experiments.fold import Task, run_fold, run_fold_alone, run_folds_together, share_arrays
from astsvm_lib.experiments.record import FoldResult, Record
from astsvm_lib.experiments.run import Run
from astsvm_lib.experiments.store import Store
from astsvm_lib.methods.method import Conditions
from astsvm_lib.processes import run_each
from astsvm_lib.storage import Cache, digest

if TYPE_CHECKING:
    from distributed import Client


def evaluate(
    run: Run,
    jobs: int = 1,
    store: Store | None = None,
    cache: Cache | None = None,
    again: bool = False,
    progress: bool = True,
    client: Client | None = None,
) -> Record:
    """Leave-one-subject-out over a data set; the record is stored and returned.

    Parameters
    ----------
    run
        What is run; see :func:`~astsvm_lib.experiments.plan`. A record of the same, made by the same code, is
        not made again.
    jobs
        Folds (and clips) that are worked on at once, each in a process of its own.
    store
        Where records and unfinished folds are kept; by default the book's own folder.
    again
        Run even what is stored.
    progress
        Show a bar.
    client
        Of a Dask cluster, whose workers then run the folds; ``jobs`` does not count.

    Returns
    -------
    Record
        Every clip tested once, by each head of the method.

    Notes
    -----
    Section IV.B; chapters "Training" and "LOSO, UAR and UF1". The fold's seed depends on the seed
    and the subject alone, so that the order and the number of jobs change nothing but rounding.
    """
    store = store or Store()
    dataset, code = run.dataset, run.code
    if store.is_current(run) and not again:
        return store.require(run)

    clips = run.profile.choose(dataset)
    task = Task(
        run.method,
        Conditions(len(dataset.classes), run.recipe, run.settings, run.epochs),
        np.array([dataset.classes.index(clip.label) for clip in clips]),
        [clip.key for clip in clips],
        dataset.classes,
        run.seed,
    )
    folds = loso([clip.group for clip in clips])
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    partial = digest([dataset.fingerprint, run.name, run.epochs, code, backend])
    if again:
        store.discard_folds(partial)
    done = store.folds(partial)
    waiting = [fold for fold in folds if fold.subject not in done]
    beats = max(1, run.epochs)  # of the bar, for each fold

    bar = tqdm(
        total=len(folds) * beats,
        initial=len(done) * beats,
        desc=f"{dataset.id}, {run.method.title}: {len(folds)} folds",
        unit="epoch" if run.epochs else "fold",
        disable=None if progress else True,
        leave=False,
    )

    devices = set()

    def results() -> Iterator[FoldResult]:
        if client is not None:
            for result, device in folds_on(client, run, task, waiting):
                devices.add(device)
                yield result
            return
        devices.add(provenance.device())
        arrays = run.method.extract(clips, run.recipe, run.settings, cache or Cache(), jobs, progress)
        if run.method.together():
            yield from run_folds_together(waiting, arrays, task, bar.update)
            return
        if jobs == 1:
            for fold in waiting:
                yield run_fold(fold, arrays, task, bar.update)
            return
        threads = str(max(1, (os.cpu_count() or 1) // jobs))
        environment = {
            "TF_NUM_INTRAOP_THREADS": threads,
            "OMP_NUM_THREADS": threads,
            "NUMBA_NUM_THREADS": threads,
            "KERAS_BACKEND": backend,
        }
        with tempfile.TemporaryDirectory(prefix="astsvm-") as folder:
            share_arrays(arrays, Path(folder))
            work = [(fold, Path(folder), task) for fold in waiting]
            yield from run_each(run_fold_alone, work, min(jobs, max(1, len(work))), environment)

    with bar:
        for result in results():
            if (jobs > 1 and not run.method.together()) or client is not None or not run.epochs:
                bar.update(beats)
            store.save_fold(partial, result)
            done[result.subject] = result

    record = Record(
        dataset=dataset.id,
        heading=dataset.manifest.heading,
        rehearsal=dataset.manifest.rehearsal,
        classes=list(dataset.classes),
        profile=run.profile.name,
        epochs=run.epochs,
        seed=run.seed,
        method=run.method.name,
        recipe=run.recipe.to_dict(*run.method.stages),
        settings=run.settings.to_dict(),
        choices_digest=run.choices,
        data_digest=dataset.fingerprint,
        code_digest=code,
        backend=backend,
        device="; ".join(sorted(devices)) or provenance.device(),
        versions=provenance.versions(),
        commit=provenance.commit(),
        seconds=round(sum(result.seconds for result in done.values()), 1),
        folds=[done[fold.subject] for fold in folds],
    )
    store.write(record)
    store.discard_folds(partial)
    return record
