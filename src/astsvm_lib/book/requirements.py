"""What a chapter needs: the stages that it computes with, the stored runs that it shows, and prepared data.

A chapter declares it in its front matter::

    companion:
      stages: [features, svm]          # all stages where nothing is declared
      reruns: true                     # what running stored folds again has shown (reruns.csv)
      features: true                   # the features of every clip of its data set, prepared beforehand
      runs:
        - {profile: quick, required: true}                    # its data set, recipe and seed, the paper's method
        - {method: kernels, dataset: rehearsal-casme2}        # any profile and seed
        - {changes: {flow: {component: u}}, profile: quick}   # a changed recipe
        - {table: 9}                                          # every row of a table, on all data sets it shows
        - {variants: true, profile: quick}                    # every variant of the page "The readings that matter"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from astsvm_lib.datasets import load
from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments.profiles import PROFILES
from astsvm_lib.experiments.run import Run, plan
from astsvm_lib.experiments.table_results import run_of
from astsvm_lib.experiments.variants import VARIANTS
from astsvm_lib.paper.tables import table_numbered
from astsvm_lib.recipe import Recipe
from astsvm_lib.results.reruns import read_reruns
from astsvm_lib.results.store import Store
from astsvm_lib.stages import STAGES, stage_named, stage_versions


class Declared(BaseModel):
    """A part of the front matter: no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DeclaredRuns(Declared):
    """Stored runs that a chapter shows; see the module for examples."""

    table: int | None = None
    variants: bool = False
    method: str = "ast-svmnet"
    dataset: str | None = None
    changes: dict[str, dict[str, Any]] = {}
    profile: str | None = None
    seed: int | None = None
    required: bool = False


class Front(Declared):
    """The front matter's ``companion``."""

    stages: list[str] | None = None
    features: bool = False
    reruns: bool = False
    runs: list[DeclaredRuns] = []


@dataclass(frozen=True)
class Selection:
    """Runs of one data set and method with the same choices; of any profile or seed where none is given."""

    dataset: str
    method: str
    choices: str
    profile: str | None
    seed: int | None

    def matches(self, name: str) -> bool:
        """Whether a run of this name is one of them."""
        dataset, method, profile, seed, choices = name.split("_")
        return (
            (dataset, method, choices) == (self.dataset, self.method, self.choices)
            and self.profile in (None, profile)
            and self.seed in (None, int(seed.removeprefix("seed")))
        )


@dataclass(frozen=True)
class Requirements:
    """What a chapter declares.

    Attributes
    ----------
    chapter
        Its name.
    front
        As it stands in the front matter.
    """

    chapter: str
    front: Front

    @classmethod
    def from_metadata(cls, chapter: str, declared: Mapping[str, Any]) -> Requirements:
        """Read the front matter of a chapter.

        Raises
        ------
        CompanionError
            For an unknown key, stage, table or profile.
        """
        try:
            front = Front.model_validate(dict(declared))
            for stage in front.stages or ():
                stage_named(stage)
            for runs in front.runs:
                if runs.table is not None:
                    table_numbered(runs.table)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, ("companion", *first["loc"])))
            raise CompanionError(f"chapter {chapter}: {where}: {first['msg']}") from None
        except CompanionError as error:
            raise CompanionError(f"chapter {chapter}: companion: {error}") from None
        return cls(chapter, front)

    def versions(self) -> dict[str, int]:
        """Version of each stage that the chapter computes with."""
        return stage_versions(STAGES if self.front.stages is None else self.front.stages)

    def _planned(self, parameters: Mapping[str, Any]) -> list[tuple[DeclaredRuns, Run]]:
        """One run for each that is declared; its profile and seed count only where they are declared."""
        recipe = Recipe.from_dict(parameters.get("recipe", {}))
        own = parameters.get("dataset")
        found = []
        for runs in self.front.runs:
            profile = runs.profile or next(iter(PROFILES))
            if runs.table is not None:
                table = table_numbered(runs.table)
                names = dict.fromkeys([runs.dataset or str(own or table.datasets[0])])
                if load(next(iter(names))).manifest.rehearsal:
                    names |= dict.fromkeys(table.datasets)
                found += [
                    (runs, run_of(row, load(name), recipe, profile)) for name in names for row in table.rows
                ]
                continue
            dataset = load(runs.dataset or str(own))
            changes = [variant.changes for variant in VARIANTS] if runs.variants else [runs.changes]
            found += [(runs, plan(dataset, recipe.replace(**c), profile, 0, runs.method)) for c in changes]
        return found

    def _seed(self, runs: DeclaredRuns, parameters: Mapping[str, Any]) -> int | None:
        if runs.seed is not None or not runs.required:
            return runs.seed
        return int(parameters.get("seed", 0))

    def selections(self, parameters: Mapping[str, Any]) -> list[Selection]:
        """The stored runs that the chapter may show, with these parameters."""
        return [
            Selection(run.key.dataset, run.key.method, run.key.choices, runs.profile, self._seed(runs, parameters))
            for runs, run in self._planned(parameters)
        ]

    def shown(self, parameters: Mapping[str, Any], store: Store) -> list[str]:
        """Name, checksum and outdated stages of every stored run that the chapter may show."""
        chosen = self.selections(parameters)
        found = [
            f"{name} {row['checksum']} {row['stages']}"
            for name, row in sorted(store.rows().items())
            if any(selection.matches(name) for selection in chosen)
        ]
        return found + (read_reruns(store.folder).to_csv().splitlines() if self.front.reruns else [])

    def check_required(self, parameters: Mapping[str, Any], store: Store) -> None:
        """Find out whether the stored runs are there without which the chapter cannot be run.

        Raises
        ------
        CompanionError
            If one is missing or outdated: the message gives the chapter, and the command that makes it.
        """
        from dataclasses import replace

        from astsvm_lib.experiments.profiles import profile_named
        from astsvm_lib.experiments.stored import require_record

        for runs, run in self._planned(parameters):
            if runs.required:
                seed = self._seed(runs, parameters)
                wanted = replace(run, profile=profile_named(runs.profile or "quick"), seed=seed or 0)
                try:
                    require_record(wanted, store)
                except CompanionError as error:
                    raise CompanionError(f"chapter {self.chapter}: {error}") from None

    def check_looked_up(self, parameters: Mapping[str, Any], names: list[str]) -> None:
        """Refuse a chapter that looked up stored runs which it does not declare: it would go stale unnoticed.

        Raises
        ------
        CompanionError
            Names the runs.
        """
        chosen = self.selections(parameters)
        extra = [name for name in dict.fromkeys(names) if not any(selection.matches(name) for selection in chosen)]
        if extra:
            shown = ", ".join(extra[:3]) + (f", and {len(extra) - 3} more" if len(extra) > 3 else "")
            raise CompanionError(
                f"chapter {self.chapter}: looked up stored runs that its front matter does not declare under "
                f"companion.runs: {shown}"
            )
