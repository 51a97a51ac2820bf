"""LOSO over a data set: what is stored is skipped, what was cut is resumed, the rest is run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from astsvm_lib.cache import Cache
from astsvm_lib.evaluation.loso import Fold, loso
from astsvm_lib.experiments.executors import Executor, Place, select_executor, this_place
from astsvm_lib.experiments.fold import Task
from astsvm_lib.experiments.run import Run
from astsvm_lib.methods.method import FitConfig
from astsvm_lib.results import provenance
from astsvm_lib.results.record import FoldResult, Record
from astsvm_lib.results.store import Store
from astsvm_lib.stages import stage_versions
from astsvm_lib.storage import Arrays, digest

if TYPE_CHECKING:
    from distributed import Client


def task_of(run: Run) -> Task:
    """What all folds of a run have in common."""
    classes = run.dataset.classes
    return Task(
        run.method,
        FitConfig(len(classes), run.recipe, run.settings, run.epochs, run.seed),
        np.array([classes.index(clip.label) for clip in run.clips]),
        [clip.key for clip in run.clips],
        classes,
    )


def folds_of(run: Run) -> list[Fold]:
    """One fold a subject of the clips that take part."""
    return loso([clip.group for clip in run.clips])


def compute_folds(
    run: Run,
    folds: Sequence[Fold],
    executor: Executor,
    task: Task,
    cache: Cache | None = None,
    jobs: int = 1,
    progress: bool = True,
    done: int = 0,
) -> Iterable[tuple[FoldResult, Place]]:
    """Results of some folds of a run as they are ready, with a progress bar.

    Parameters
    ----------
    run, folds
        What is run, and which folds of it.
    executor, task
        Where, and what the folds have in common.
    cache
        Where prepared clips are kept.
    jobs
        Clips that are prepared at once.
    progress
        Whether to show the bar.
    done
        Folds that were finished before, for the bar.
    """
    beats = max(1, run.epochs)  # of the bar, for each fold

    def extract() -> Arrays:
        return run.method.extract(run.clips, run.recipe, run.settings, cache or Cache(), jobs, progress)

    with tqdm(
        total=(done + len(folds)) * beats,
        initial=done * beats,
        desc=f"{run.dataset.id}, {run.method.title}: {done + len(folds)} folds",
        unit="epoch" if run.epochs else "fold",
        disable=None if progress else True,
        leave=False,
    ) as bar:
        for result in executor.run(run, task, folds, extract, bar.update):
            if not (executor.counts_epochs and run.epochs):
                bar.update(beats)
            yield result


def is_current(run: Run, store: Store) -> bool:
    """Whether there is a record of this run, made by today's versions of all stages."""
    return store.find(run.key, run.dataset.fingerprint) is not None


def evaluate(
    run: Run,
    jobs: int = 1,
    store: Store | None = None,
    cache: Cache | None = None,
    overwrite: bool = False,
    progress: bool = True,
    client: Client | None = None,
) -> Record:
    """Leave-one-subject-out over a data set; the record is stored and returned.

    Parameters
    ----------
    run
        What is run; see :func:`~astsvm_lib.experiments.run.plan`. A current record of the same run is not made again.
    jobs
        Folds (and clips) that are worked on at once, each in a process of its own.
    store
        Where records and unfinished folds are kept; by default the book's own folder.
    cache
        Where prepared clips are kept; the user's cache by default.
    overwrite
        Run even what is stored.
    progress
        Whether to show a progress bar.
    client
        Of a Dask cluster, whose workers then run the folds; ``jobs`` does not count.

    Returns
    -------
    Record
        Every clip tested once, by each head of the method.

    Raises
    ------
    CompanionError
        If a clip cannot be prepared, or there are fewer than two subjects.

    Notes
    -----
    Section IV.B; chapters "Training" and "LOSO, UAR and UF1". The fold's seed depends on the seed
    and the subject alone, so that the order and the number of jobs change nothing but rounding.
    """
    store = store or Store()
    stored = None if overwrite else store.find(run.key, run.dataset.fingerprint)
    if stored is not None:
        return stored

    task, folds = task_of(run), folds_of(run)
    executor = select_executor(run, task, jobs, client)
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    partial = digest([run.dataset.fingerprint, run.name, run.epochs, run.stages, backend])
    if overwrite:
        store.discard_folds(partial)
    done = store.folds(partial)
    waiting = [fold for fold in folds if fold.subject not in done]
    places: list[Place] = []
    for result, place in compute_folds(run, waiting, executor, task, cache, jobs, progress, len(done)):
        store.save_fold(partial, result)
        done[result.subject] = result
        places.append(place)

    record = _record(run, [done[fold.subject] for fold in folds], places or [this_place()], backend)
    store.write(record)
    store.discard_folds(partial)
    return record


def _record(run: Run, folds: list[FoldResult], places: list[Place], backend: str) -> Record:
    trainers = sorted({fold.trainer for fold in folds} - {""})
    sections = run.method.sections
    return Record(
        key=run.key,
        heading=run.dataset.manifest.heading,
        rehearsal=run.dataset.manifest.rehearsal,
        classes=list(run.dataset.classes),
        epochs=run.epochs,
        recipe=run.recipe.to_dict(*sections) if sections else {},
        settings=run.settings.to_dict(),
        differs=run.differs,
        data=run.dataset.fingerprint,
        stages={**run.stages, **stage_versions(trainers)},
        libraries=provenance.library_versions(),
        backend=backend,
        device="; ".join(sorted({place.device for place in places})),
        processor="; ".join(sorted({place.processor for place in places})),
        threads=max(place.threads for place in places),
        commit=provenance.commit(),
        seconds=round(sum(fold.seconds for fold in folds), 1),
        folds=folds,
    )
