"""Complete specification of a run, which identifies its record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip, Dataset, fingerprint_of
from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.protocol import LOSO, Protocol, standardise_corpora
from astsvm_lib.experiments.profiles import Profile, profile_named
from astsvm_lib.methods import Method, method_named
from astsvm_lib.recipe import Recipe
from astsvm_lib.results.record import RunKey
from astsvm_lib.stages import stage_versions
from astsvm_lib.storage import Arrays

if TYPE_CHECKING:
    from astsvm_lib.results.record import Record


def differences(chosen: Choices, sections: tuple[str, ...] = ()) -> list[str]:
    """Fields that differ from their defaults, as ``section.field = value``.

    Parameters
    ----------
    chosen
        Recipe or settings.
    sections
        Sections to compare; all by default.
    """
    default, values = type(chosen)().to_dict(*sections), chosen.to_dict(*sections)
    return [
        f"{section}.{name} = {value}"
        for section, fields in values.items()
        for name, value in fields.items()
        if default[section][name] != value
    ]


def run_key(
    dataset: str,
    recipe: Recipe,
    profile: Profile,
    seed: int,
    method: Method,
    settings: Choices,
    protocol: Protocol,
) -> RunKey:
    """Identifier of a run, which does not depend on the clips of its data.

    Parameters
    ----------
    dataset
        Identifier of the tested data set.
    recipe, profile, seed, method, settings, protocol
        As in :class:`Run`.
    """
    return RunKey(
        dataset=dataset,
        method=method.name,
        profile=profile.name,
        epochs=method.epochs(settings, profile.epochs, profile.share),
        seed=seed,
        choices=method.choices_digest(recipe, settings),
        protocol=protocol.text,
    )


@dataclass(frozen=True)
class Run:
    """A data set, a method with all its choices, a profile, a seed and a protocol; see :func:`plan`."""

    dataset: Dataset
    recipe: Recipe
    profile: Profile
    seed: int
    method: Method
    settings: Choices
    protocol: Protocol = LOSO
    training: tuple[Dataset, ...] = ()

    @property
    def epochs(self) -> int:
        """Number of epochs of each fold; 0 for a method without epochs."""
        return self.method.epochs(self.settings, self.profile.epochs, self.profile.share)

    @cached_property
    def key(self) -> RunKey:
        """Key of its record."""
        return run_key(self.dataset.id, self.recipe, self.profile, self.seed, self.method, self.settings, self.protocol)

    @property
    def name(self) -> str:
        """Name of its record."""
        return self.key.name

    @cached_property
    def corpora(self) -> tuple[tuple[Clip, ...], ...]:
        """The clips that the profile selects of the tested data set, and of each other one that trains."""
        return tuple(self.profile.choose(dataset) for dataset in (self.dataset, *self.training))

    @cached_property
    def clips(self) -> tuple[Clip, ...]:
        """All clips, those of the tested data set first."""
        return self.corpora[0] if not self.training else tuple(clip for corpus in self.corpora for clip in corpus)

    @property
    def corpus_of_clips(self) -> list[str]:
        """Corpus of each of :attr:`clips`: its data set; or its database, if the protocol leaves out databases."""
        if self.protocol.left_out == "database":
            return [clip.dataset for clip in self.clips]
        names = (self.dataset.id, *self.protocol.train)
        return [name for name, corpus in zip(names, self.corpora, strict=True) for _ in corpus]

    @property
    def tested(self) -> np.ndarray:
        """Whether each of :attr:`clips` is of the tested data set, (N,) bool."""
        return np.arange(len(self.clips)) < len(self.corpora[0])

    @cached_property
    def data(self) -> str:
        """Fingerprint of the clips that the profile selects."""
        whole = self.clips is self.dataset.clips
        return self.dataset.fingerprint if whole else fingerprint_of(self.clips)

    def inputs(self, cache: Cache, jobs: int = 1, progress: bool = True) -> Arrays:
        """Arrays of the method for all of :attr:`clips`, standardised as the protocol requires.

        Parameters
        ----------
        cache
            Cache for computed arrays.
        jobs
            Number of clips processed in parallel.
        progress
            Whether to show a progress bar.

        Raises
        ------
        CompanionError
            If a clip cannot be prepared.
        """
        arrays = self.method.extract(self.clips, self.recipe, self.settings, cache, jobs, progress)
        return (
            standardise_corpora(arrays, self.corpus_of_clips) if self.protocol.standardisation == "corpus" else arrays
        )

    @property
    def stages(self) -> dict[str, int]:
        """Version of each stage that the result depends on, except for the trainer, which is selected later."""
        sources = dict.fromkeys(stage for clip in self.clips for stage in clip.stages)
        return stage_versions([*sources, self.method.stage])

    @property
    def differs(self) -> str:
        """Description of the differences from the default recipe and settings."""
        sections = self.method.sections
        found = differences(self.recipe, sections) if sections else []
        return "; ".join(found + differences(self.settings)) or "nothing: the default recipe"

    @property
    def weight(self) -> int:
        """Approximate amount of work, relative to other runs: number of clips over all folds and epochs."""
        folds = self.profile.folds or len({clip.group for clip in self.clips})
        return folds * len(self.clips) * (self.epochs + 1)

    @property
    def command(self) -> str:
        """The command that computes the run."""
        files = ["--recipe FILE"] if self.recipe != Recipe() else []
        files += ["--settings FILE"] if self.settings != self.method.settings() else []
        protocol = [f"--train {','.join(self.protocol.train)}"] if self.protocol.train else []
        protocol += ["--joint"] if self.protocol.joint else []
        protocol += ["--leave-out database"] if self.protocol.left_out == "database" else []
        protocol += ["--standardise corpus"] if self.protocol.standardisation == "corpus" else []
        return " ".join(
            [
                f"astsvm evaluate --dataset {self.dataset.id} --method {self.method.name}",
                f"--profile {self.profile.name} --seed {self.seed}",
                *files,
                *protocol,
            ]
        )


def plan(
    dataset: Dataset,
    recipe: Recipe | None = None,
    profile: str | Profile = "paper",
    seed: int = 0,
    method: str = "ast-svmnet",
    settings: Choices | None = None,
    protocol: Protocol | None = None,
    training: Sequence[Dataset] = (),
) -> Run:
    """Specify a run.

    Parameters
    ----------
    dataset
        Data set whose clips are tested.
    recipe
        Choices that the paper leaves open; the default recipe by default.
    profile
        Profile or its name.
    seed
        Seed from which the random number generators of the folds are derived.
    method
        Name in :data:`~astsvm_lib.methods.METHODS`.
    settings
        The method's own parameters; its defaults by default.
    protocol
        Evaluation protocol; LOSO by default.
    training
        The data sets that the protocol names in :attr:`~astsvm_lib.evaluation.protocol.Protocol.train`.

    Returns
    -------
    Run
        To be passed to :func:`~astsvm_lib.experiments.runner.evaluate`.

    Raises
    ------
    CompanionError
        If the profile or the method is unknown, or a data set that trains has other classes than the tested one or
        shares a clip with it.
    """
    chosen = method_named(method)
    amount = profile_named(profile) if isinstance(profile, str) else profile
    how = protocol or LOSO
    _check_training(dataset, how, training)
    return Run(dataset, recipe or Recipe(), amount, seed, chosen, settings or chosen.settings(), how, tuple(training))


def _check_training(dataset: Dataset, protocol: Protocol, training: Sequence[Dataset]) -> None:
    """Raise an error unless these data sets may train a method that is tested on a data set."""
    found = tuple(other.id for other in training)
    if found != protocol.train:
        raise CompanionError(
            f"expected the training data {', '.join(protocol.train) or 'of LOSO: none'}, found {', '.join(found)}"
        )
    for other in training:
        if other.classes != dataset.classes:
            raise CompanionError(
                f"{other.id}: expected the classes {', '.join(dataset.classes)} of {dataset.id}, found "
                f"{', '.join(other.classes)}"
            )
    counts = Counter(clip.key for data in (dataset, *training) for clip in data)
    shared = [key for key, count in counts.items() if count > 1]
    if shared:
        raise CompanionError(
            f"{', '.join(found)}: expected no clip of {dataset.id} in the training data, found {len(shared)}, first "
            f"{shared[0]}; no clip must be both trained on and tested"
        )


def plan_again(record: Record, dataset: Dataset, training: Sequence[Dataset] = ()) -> Run:
    """The run that produced a record.

    Parameters
    ----------
    record
        Stored record. Sections of the recipe that it does not contain have the current defaults.
    dataset
        The data set of the record.
    training
        The other data sets that its protocol names.

    Raises
    ------
    CompanionError
        If its method, its profile, or a field of its recipe or settings no longer exists.
    """
    method = method_named(record.method)
    recipe: dict[str, Any] = record.recipe
    settings = method.settings.from_dict(record.settings)
    protocol = Protocol.parse(record.protocol)
    chosen = Recipe.from_dict(recipe)
    return plan(dataset, chosen, record.profile, record.seed, record.method, settings, protocol, training)
