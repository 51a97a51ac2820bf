"""Complete specification of a run, which identifies its record."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip, Dataset, fingerprint_of
from astsvm_lib.experiments.profiles import Profile, profile_named
from astsvm_lib.methods import Method, method_named
from astsvm_lib.recipe import Recipe
from astsvm_lib.results.record import RunKey
from astsvm_lib.stages import stage_versions

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


@dataclass(frozen=True)
class Run:
    """A data set, a method with all its choices, a profile, and a seed; see :func:`plan`."""

    dataset: Dataset
    recipe: Recipe
    profile: Profile
    seed: int
    method: Method
    settings: Choices

    @property
    def epochs(self) -> int:
        """Number of epochs of each fold; 0 for a method without epochs."""
        return self.method.epochs(self.settings, self.profile.epochs, self.profile.share)

    @cached_property
    def key(self) -> RunKey:
        """Key of its record."""
        return RunKey(
            dataset=self.dataset.id,
            method=self.method.name,
            profile=self.profile.name,
            epochs=self.epochs,
            seed=self.seed,
            choices=self.method.choices_digest(self.recipe, self.settings),
        )

    @property
    def name(self) -> str:
        """Name of its record."""
        return self.key.name

    @cached_property
    def clips(self) -> tuple[Clip, ...]:
        """The clips that the profile selects."""
        return self.profile.choose(self.dataset)

    @cached_property
    def data(self) -> str:
        """Fingerprint of the clips that the profile selects."""
        whole = self.clips is self.dataset.clips
        return self.dataset.fingerprint if whole else fingerprint_of(self.clips)

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
        return " ".join(
            [
                f"astsvm evaluate --dataset {self.dataset.id} --method {self.method.name}",
                f"--profile {self.profile.name} --seed {self.seed}",
                *files,
            ]
        )


def plan(
    dataset: Dataset,
    recipe: Recipe | None = None,
    profile: str | Profile = "paper",
    seed: int = 0,
    method: str = "ast-svmnet",
    settings: Choices | None = None,
) -> Run:
    """Specify a run.

    Parameters
    ----------
    dataset
        Data set, which is evaluated by LOSO.
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

    Returns
    -------
    Run
        To be passed to :func:`~astsvm_lib.experiments.runner.evaluate`.

    Raises
    ------
    CompanionError
        If the profile or the method is unknown.
    """
    chosen = method_named(method)
    amount = profile_named(profile) if isinstance(profile, str) else profile
    return Run(dataset, recipe or Recipe(), amount, seed, chosen, settings or chosen.settings())


def plan_again(record: Record, dataset: Dataset) -> Run:
    """The run that produced a record.

    Parameters
    ----------
    record
        Stored record. Sections of the recipe that it does not contain have the current defaults.
    dataset
        The data set of the record.

    Raises
    ------
    CompanionError
        If its method, its profile, or a field of its recipe or settings no longer exists.
    """
    method = method_named(record.method)
    recipe: dict[str, Any] = record.recipe
    settings = method.settings.from_dict(record.settings)
    return plan(dataset, Recipe.from_dict(recipe), record.profile, record.seed, record.method, settings)
