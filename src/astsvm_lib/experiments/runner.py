"""LOSO over a data set: what is stored is skipped, what was cut goes on, the rest is run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from astsvm_lib.datasets.clip import Dataset
from astsvm_lib.evaluation.loso import loso
from astsvm_lib.experiments import provenance
from astsvm_lib.experiments.fold import run_fold, run_fold_alone, share_features
from astsvm_lib.experiments.profiles import Profile
from astsvm_lib.experiments.record import FoldResult, Record
from astsvm_lib.experiments.store import Store
from astsvm_lib.features.pipeline import extract_all
from astsvm_lib.processes import run_each
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Cache, code_digest, digest

#: Rooms whose code can change a score.
ROOMS = ("preprocessing", "features", "network", "transfer", "evaluation")


def evaluate(
    dataset: Dataset,
    recipe: Recipe,
    profile: Profile,
    seed: int = 0,
    jobs: int = 1,
    store: Store | None = None,
    cache: Cache | None = None,
    again: bool = False,
    progress: bool = True,
) -> Record:
    """Leave-one-subject-out over a data set; the record is stored and returned.

    Parameters
    ----------
    dataset, recipe, profile, seed
        What is run. A record of the same four, made by the same code, is not made again.
    jobs
        Folds (and clips) that are worked on at once, each in a process of its own.
    store
        Where records and unfinished folds are kept; by default the book's own folder.
    again
        Run even what is stored.
    progress
        Show a bar.

    Returns
    -------
    Record
        Every clip tested once, by the SVM and by the softmax head.

    Notes
    -----
    Section IV.B; chapters "Training" and "LOSO, UAR and UF1". The fold's seed depends on the seed
    and the subject alone, so that the order and the number of jobs change nothing but rounding.
    """
    store = store or Store()
    code = digest([code_digest(room) for room in ROOMS])
    stored = store.find(dataset.id, profile.name, seed, recipe.digest(), dataset.fingerprint)
    if stored is not None and stored.code_digest == code and not again:
        return stored

    clips = profile.choose(dataset)
    features = extract_all(clips, recipe, cache, jobs, progress)
    labels = np.array([dataset.classes.index(clip.label) for clip in clips])
    folds = loso([clip.group for clip in clips])
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    run = digest([dataset.fingerprint, recipe.digest(), profile.name, profile.epochs, seed, code, backend])
    if again:
        store.discard_folds(run)
    done = store.folds(run)
    waiting = [fold for fold in folds if fold.subject not in done]
    keys = [clip.key for clip in clips]

    bar = tqdm(
        total=len(folds) * profile.epochs,
        initial=len(done) * profile.epochs,
        desc=f"{dataset.id}: {len(folds)} folds",
        unit="epoch",
        disable=None if progress else True,
        leave=False,
    )

    def results() -> Iterator[FoldResult]:
        common = (labels, keys, dataset.classes, recipe, profile.epochs, seed)
        if jobs == 1:
            for fold in waiting:
                yield run_fold(fold, features, *common, bar.update)
            return
        threads = str(max(1, (os.cpu_count() or 1) // jobs))
        environment = {"TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads, "KERAS_BACKEND": backend}
        with tempfile.TemporaryDirectory(prefix="astsvm-") as folder:
            share_features(features, Path(folder))
            work = [(fold, Path(folder), *common) for fold in waiting]
            for result in run_each(run_fold_alone, work, min(jobs, max(1, len(work))), environment):
                bar.update(profile.epochs)
                yield result

    with bar:
        for result in results():
            store.save_fold(run, result)
            done[result.subject] = result

    record = Record(
        dataset=dataset.id,
        heading=dataset.manifest.heading,
        rehearsal=dataset.manifest.rehearsal,
        classes=list(dataset.classes),
        profile=profile.name,
        epochs=profile.epochs,
        seed=seed,
        recipe=recipe.to_dict(),
        recipe_digest=recipe.digest(),
        data_digest=dataset.fingerprint,
        code_digest=code,
        backend=backend,
        device=provenance.device(),
        versions=provenance.versions(),
        commit=provenance.commit(),
        seconds=round(sum(result.seconds for result in done.values()), 1),
        folds=[done[fold.subject] for fold in folds],
    )
    store.write(record)
    store.discard_folds(run)
    return record
