"""The runner: stored runs are skipped, and interrupted runs are resumed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from astsvm_lib.cache import Cache
from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.loso import Fold, grouped_folds
from astsvm_lib.evaluation.protocol import LOSO
from astsvm_lib.experiments.executors import select_executor
from astsvm_lib.experiments.fold import Task
from astsvm_lib.experiments.run import Run
from astsvm_lib.methods.method import FitConfig
from astsvm_lib.results import provenance
from astsvm_lib.results.record import FinishedFold, Record
from astsvm_lib.results.store import Store
from astsvm_lib.stages import STAGES, stage_versions
from astsvm_lib.storage import Arrays, digest

if TYPE_CHECKING:
    from distributed import Client

TRAINERS = tuple(name for name in STAGES if name.startswith("trainer-"))


def task_of(run: Run) -> Task:
    """What all folds of a run have in common."""
    classes = run.dataset.classes
    return Task(
        run.method,
        FitConfig(len(classes), run.recipe, run.settings, run.epochs, run.seed),
        np.array([classes.index(clip.label) for clip in run.clips]),
        [clip.key for clip in run.clips],
        [clip.group for clip in run.clips],
        classes,
    )


def folds_of(run: Run) -> list[Fold]:
    """The folds of a run over its clips, as its protocol defines them, or its profile for folds of several subjects.

    Raises
    ------
    CompanionError
        If there are too few subjects or databases, or the profile has folds of its own and the protocol is not LOSO.
    """
    subjects = [clip.group for clip in run.clips]
    if run.profile.folds is None:
        return run.protocol.folds(subjects, run.tested)
    if run.protocol != LOSO:
        raise CompanionError(f"profile {run.profile.name}: expected the protocol LOSO, found {run.protocol.text}")
    return grouped_folds(subjects, [clip.label for clip in run.clips], run.profile.folds)


def compute_folds(
    run: Run,
    folds: Sequence[Fold],
    jobs: int = 1,
    cache: Cache | None = None,
    progress: bool = True,
    done: int = 0,
    client: Client | None = None,
) -> Iterable[FinishedFold]:
    """Compute folds of a run, with a progress bar.

    Parameters
    ----------
    run
        The run.
    folds
        Folds to compute.
    jobs
        Number of folds, and of clips, computed in parallel.
    cache
        Cache for prepared clips; the user's cache by default.
    progress
        Whether to show the progress bar.
    done
        Number of folds finished earlier, for the progress bar.
    client
        Client of a Dask cluster, whose workers then compute the folds.

    Yields
    ------
    FinishedFold
        Each fold as soon as it is finished.

    Raises
    ------
    CompanionError
        If a clip cannot be prepared.
    """
    task = task_of(run)
    executor = select_executor(run, task, jobs, client)
    ticks = max(1, run.epochs)  # of the progress bar, per fold

    def extract() -> Arrays:
        return run.inputs(cache or Cache(), jobs, progress)

    with tqdm(
        total=(done + len(folds)) * ticks,
        initial=done * ticks,
        desc=f"{run.dataset.id}, {run.method.title}: {done + len(folds)} folds",
        unit="epoch" if run.epochs else "fold",
        disable=None if progress else True,
        leave=False,
    ) as bar:
        for result in executor.run(run, task, folds, extract, bar.update):
            if not (executor.counts_epochs and run.epochs):
                bar.update(ticks)
            yield result


def is_current(run: Run, store: Store) -> bool:
    """Whether a record of this run, made with the current versions of all stages, is stored.

    Parameters
    ----------
    run
        The run.
    store
        Stored records.
    """
    return store.find(run.key, run.data) is not None


def evaluate(
    run: Run,
    jobs: int = 1,
    store: Store | None = None,
    cache: Cache | None = None,
    overwrite: bool = False,
    progress: bool = True,
    client: Client | None = None,
) -> Record:
    """Evaluate a run by LOSO, and store its record.

    Parameters
    ----------
    run
        The run; see :func:`~astsvm_lib.experiments.run.plan`. If a current record of it is stored, nothing is computed.
    jobs
        Number of folds and clips processed in parallel, each in a separate process.
    store
        Store of records and of the folds of interrupted runs; by default the book's.
    cache
        Cache for prepared clips; the user's cache by default.
    overwrite
        Whether to run again if a record is stored.
    progress
        Whether to show a progress bar.
    client
        Client of a Dask cluster, whose workers compute the folds; ``jobs`` is then not used for folds.

    Returns
    -------
    Record
        Predictions of each head of the method; every clip is tested once.

    Raises
    ------
    CompanionError
        If a clip cannot be prepared, there are fewer than two subjects, or the folder of records cannot be written.

    Notes
    -----
    Section IV.B; chapters "Training" and "LOSO, UAR and UF1". The random numbers of a fold depend only on the seed
    of the run and the name of the fold, so that order and number of jobs affect results by rounding errors at most.
    """
    store = store or Store()
    stored = None if overwrite else store.find(run.key, run.data)
    if stored is not None:
        return stored

    store.check_writable()
    folds = folds_of(run)
    backend = os.environ.get("KERAS_BACKEND", "tensorflow") if run.method.uses_network else "none"
    # Folds of an interrupted run are used only if they were computed by the same code and libraries.
    versions = [run.stages, stage_versions(TRAINERS), provenance.library_versions()]
    partial = digest([run.data, run.name, run.epochs, versions, backend])
    if overwrite:
        store.discard_folds(partial)
    done = store.folds(partial)
    waiting = [fold for fold in folds if fold.name not in done]
    for finished in compute_folds(run, waiting, jobs, cache, progress, len(done), client):
        store.save_fold(partial, finished)
        done[finished.result.name] = finished

    record = _record(run, [done[fold.name] for fold in folds], backend)
    store.write(record)
    if run.dataset.manifest.access != "generated":
        store.log_evaluation(record)
    store.discard_folds(partial)
    return record


def _record(run: Run, finished: list[FinishedFold], backend: str) -> Record:
    folds, environments = [fold.result for fold in finished], [fold.environment for fold in finished]
    trainers = sorted({fold.trainer for fold in folds} - {""})
    libraries = {
        name: {environment.libraries.get(name, "none") for environment in environments}
        for name in environments[0].libraries
    }
    sections = run.method.sections
    return Record(
        key=run.key,
        heading=run.dataset.manifest.heading,
        rehearsal=run.dataset.manifest.rehearsal,
        classes=list(run.dataset.classes),
        recipe=run.recipe.to_dict(*sections) if sections else {},
        settings=run.settings.to_dict(),
        differs=run.differs,
        data=run.data,
        stages={**run.stages, **stage_versions(trainers)},
        libraries={name: ",".join(sorted(versions)) for name, versions in libraries.items()},
        backend=backend,
        device="; ".join(sorted({environment.device for environment in environments})),
        processor="; ".join(sorted({environment.processor for environment in environments})),
        threads=max(environment.threads for environment in environments),
        commit=provenance.commit(),
        seconds=round(sum(fold.seconds for fold in folds), 1),
        folds=folds,
    )
