"""Exactly what is run: it names a record before there is one."""

from __future__ import annotations

from dataclasses import dataclass

from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Dataset
from astsvm_lib.experiments.profiles import Profile, profile_named
from astsvm_lib.methods import Method, method_named
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import code_digest


@dataclass(frozen=True)
class Run:
    """A data set, a method with all its choices, how much is done, and a seed; see :func:`plan`."""

    dataset: Dataset
    recipe: Recipe
    profile: Profile
    seed: int
    method: Method
    settings: Choices

    @property
    def epochs(self) -> int:
        """Epochs of each training; 0 where nothing is trained by epochs."""
        return self.method.epochs(self.settings, self.profile.epochs, self.profile.share)

    @property
    def choices(self) -> str:
        """Digest of every choice that the method depends on."""
        return self.method.choices_digest(self.recipe, self.settings)

    @property
    def code(self) -> str:
        """Digest of the code that can change a score."""
        return code_digest(*self.method.rooms)

    @property
    def name(self) -> str:
        """Of its record's file, without ending."""
        return f"{self.dataset.id}_{self.method.name}_{self.profile.name}_seed{self.seed}_{self.choices}"

    @property
    def weight(self) -> int:
        """About how much work it is, beside other runs: clips trained on, over all folds and epochs."""
        clips = self.profile.choose(self.dataset)
        folds = len({clip.group for clip in clips})
        return folds * len(clips) * (self.epochs + 1)

    @property
    def command(self) -> str:
        """How a user starts it."""
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
    profile: str | Profile = "quick",
    seed: int = 0,
    method: str = "ast-svmnet",
    settings: Choices | None = None,
) -> Run:
    """A run, with the method's own settings where none are given.

    Raises
    ------
    CompanionError
        For an unknown profile or method.
    """
    chosen = method_named(method)
    amount = profile_named(profile) if isinstance(profile, str) else profile
    return Run(dataset, recipe or Recipe(), amount, seed, chosen, settings or chosen.settings())
