"""Requirements of a chapter: the stages that it uses, the stored runs that it shows, and prepared data.

A chapter declares them in its front matter::

    companion:
      stages: [features, svm]          # all stages by default
      files: [data_manifest/*.yaml]    # files of the project whose content it shows
      reruns: true                     # reruns of stored folds (reruns.csv)
      all_runs: true                   # all stored runs
      features: true                   # features of the clips of its data set and profile, extracted in advance
      runs:
        - {profile: paper, required: true}                    # its data set, recipe and seed, the paper's method
        - {method: kernels, dataset: rehearsal-casme2}        # any profile and seed
        - {changes: {flow: {component: u}}, profile: paper}   # a changed recipe
        - {table: 9}                                          # every row of a table, on all data sets it shows
        - {study: multiverse}                                 # every run of a study on the development data
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from astsvm_lib.book.folders import project_folder
from astsvm_lib.datasets import load
from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments.profiles import profile_named
from astsvm_lib.experiments.run import Run, plan
from astsvm_lib.experiments.stored import require_record
from astsvm_lib.experiments.studies import study_named
from astsvm_lib.experiments.table_results import run_of
from astsvm_lib.methods import method_named
from astsvm_lib.paper.published import FILE as PUBLISHED
from astsvm_lib.paper.tables import table_numbered
from astsvm_lib.recipe import Recipe
from astsvm_lib.results.files import stages_of
from astsvm_lib.results.reruns import read_reruns
from astsvm_lib.results.store import ALL_RUNS, Store
from astsvm_lib.stages import STAGES, outdated_stages, stage_named, stage_versions
from astsvm_lib.storage import digest_file


class Declared(BaseModel):
    """Base class of the parts of the front matter; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DeclaredRuns(Declared):
    """Declaration of stored runs that a chapter shows; see the module's docstring for examples."""

    table: int | None = None
    study: str | None = None
    method: str = "ast-svmnet"
    dataset: str | None = None
    changes: dict[str, dict[str, Any]] = {}
    profile: str | None = None
    seed: int | None = None
    required: bool = False


class Front(Declared):
    """The key ``companion`` of the front matter."""

    stages: list[str] | None = None
    files: list[str] = []
    features: bool = False
    reruns: bool = False
    all_runs: bool = False
    runs: list[DeclaredRuns] = []


@dataclass(frozen=True)
class Selection:
    """Runs of one data set and method with the same choices; None selects any profile or any seed."""

    dataset: str
    method: str
    choices: str
    profile: str | None
    seed: int | None

    def matches(self, name: str) -> bool:
        """Whether the run with this name is selected; see :attr:`~astsvm_lib.results.record.RunKey.name`."""
        start, end = f"{self.dataset}_{self.method}_", f"_{self.choices}"
        if not (name.startswith(start) and name.endswith(end)):
            return False
        profile, _, seed = name.removeprefix(start).removesuffix(end).rpartition("_seed")
        return self.profile in (None, profile) and self.seed in (None, int(seed))


@dataclass(frozen=True)
class Requirements:
    """Requirements that a chapter declares.

    Attributes
    ----------
    chapter
        Name of the chapter.
    front
        Declaration in its front matter.
    """

    chapter: str
    front: Front

    @classmethod
    def from_metadata(cls, chapter: str, declared: Mapping[str, Any]) -> Requirements:
        """Requirements from the front matter of a chapter.

        Parameters
        ----------
        chapter
            Name of the chapter.
        declared
            Value of the key ``companion`` in the front matter.

        Raises
        ------
        CompanionError
            If a key, stage, table, study, method or profile is unknown, or a value has the wrong type.
        """
        try:
            front = Front.model_validate(dict(declared))
            for stage in front.stages or ():
                stage_named(stage)
            for runs in front.runs:
                method_named(runs.method)
                if runs.table is not None:
                    table_numbered(runs.table)
                if runs.study is not None:
                    study_named(runs.study)
                if runs.profile is not None:
                    profile_named(runs.profile)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, ("companion", *first["loc"])))
            raise CompanionError(f"chapter {chapter}: {where}: {first['msg']}") from None
        except CompanionError as error:
            raise CompanionError(f"chapter {chapter}: companion: {error}") from None
        return cls(chapter, front)

    @property
    def shows_results(self) -> bool:
        """Whether the chapter shows stored runs or reruns."""
        return bool(self.front.runs or self.front.all_runs or self.front.reruns)

    def versions(self) -> dict[str, int]:
        """Version of each stage that the chapter uses; a chapter that shows runs also uses the scores."""
        names = [*STAGES] if self.front.stages is None else self.front.stages
        return stage_versions([*names, "scores"] if self.front.runs or self.front.all_runs else names)

    def files(self) -> dict[str, str]:
        """Digest of each file whose content the chapter shows, by its path in the project.

        A chapter that shows a table of the paper also shows the published scores.

        Raises
        ------
        CompanionError
            If a pattern matches no file.
        """
        tables = any(runs.table is not None for runs in self.front.runs)
        found = {PUBLISHED.name: digest_file(PUBLISHED)} if tables else {}
        for pattern in self.front.files:
            paths = sorted(path for path in project_folder().glob(pattern) if path.is_file())
            if not paths:
                raise CompanionError(
                    f"chapter {self.chapter}: companion.files: no file of the project matches {pattern}"
                )
            for path in paths:
                found[path.relative_to(project_folder()).as_posix()] = digest_file(path)
        return found

    def _planned(self, parameters: Mapping[str, Any]) -> list[tuple[DeclaredRuns, Run]]:
        """Runs for each declaration; their profile and seed are placeholders where none is declared."""
        recipe = Recipe.from_dict(parameters.get("recipe", {}))
        own = parameters.get("dataset")
        found = []
        for runs in self.front.runs:
            profile = runs.profile or "paper"
            if runs.study is not None:
                found += [(runs, run) for run in study_named(runs.study).runs(0)]
                continue
            if runs.table is not None:
                table = table_numbered(runs.table)
                names = dict.fromkeys([runs.dataset or str(own or table.datasets[0])])
                if load(next(iter(names))).manifest.rehearsal:
                    names |= dict.fromkeys(table.datasets)
                found += [(runs, run_of(row, load(name), recipe, profile)) for name in names for row in table.rows]
                continue
            if not (runs.dataset or own):
                raise CompanionError(f"chapter {self.chapter}: companion.runs: expected a data set, found none")
            dataset = load(runs.dataset or str(own))
            found.append((runs, plan(dataset, recipe.replace(**runs.changes), profile, 0, runs.method)))
        return found

    def _seed(self, runs: DeclaredRuns, parameters: Mapping[str, Any]) -> int | None:
        if runs.seed is not None or not runs.required:
            return runs.seed
        return int(parameters.get("seed", 0))

    def selections(self, parameters: Mapping[str, Any]) -> list[Selection]:
        """The stored runs that the chapter may show, for given parameters of the chapter."""
        return [
            Selection(run.key.dataset, run.key.method, run.key.choices, runs.profile, self._seed(runs, parameters))
            for runs, run in self._planned(parameters)
        ]

    def shown(self, parameters: Mapping[str, Any], store: Store) -> list[str]:
        """State of all stored runs, and reruns, that the chapter may show.

        Parameters
        ----------
        parameters
            Parameters of the chapter.
        store
            Stored records.

        Returns
        -------
        list of str
            Name and checksum of each run, its stages that are outdated now, then the rows of ``reruns.csv`` if the
            chapter declares it.
        """
        chosen = self.selections(parameters)
        found = [
            f"{name} {row['checksum']} {row['stages']} {outdated_stages(stages_of(row))}"
            for name, row in sorted(store.rows().items())
            if self.front.all_runs or any(selection.matches(name) for selection in chosen)
        ]
        return found + (read_reruns(store.folder).to_csv().splitlines() if self.front.reruns else [])

    def check_required(self, parameters: Mapping[str, Any], store: Store) -> None:
        """Check that all stored runs that the chapter requires are available and current.

        Parameters
        ----------
        parameters
            Parameters of the chapter.
        store
            Stored records.

        Raises
        ------
        CompanionError
            If a run is missing or outdated; the message names the chapter and the command that computes the run.
        """
        for runs, run in self._planned(parameters):
            if runs.required:
                seed = self._seed(runs, parameters)
                wanted = replace(run, profile=profile_named(runs.profile or "paper"), seed=seed or 0)
                try:
                    require_record(wanted, store)
                except CompanionError as error:
                    raise CompanionError(f"chapter {self.chapter}: {error}") from None

    def check_looked_up(self, parameters: Mapping[str, Any], names: list[str]) -> None:
        """Check that the chapter declares all stored runs that it looked up; otherwise it would not be updated.

        Parameters
        ----------
        parameters
            Parameters of the chapter.
        names
            Names of the runs that were looked up, or :data:`~astsvm_lib.results.store.ALL_RUNS`.

        Raises
        ------
        CompanionError
            If a run is not declared; the message lists these runs.
        """
        if self.front.all_runs:
            return
        if ALL_RUNS in names:
            raise CompanionError(f"chapter {self.chapter}: looked up all stored runs; declare companion.all_runs: true")
        chosen = self.selections(parameters)
        extra = [name for name in dict.fromkeys(names) if not any(selection.matches(name) for selection in chosen)]
        if extra:
            shown = ", ".join(extra[:3]) + (f", and {len(extra) - 3} more" if len(extra) > 3 else "")
            raise CompanionError(
                f"chapter {self.chapter}: looked up stored runs that its front matter does not declare under "
                f"companion.runs: {shown}"
            )
