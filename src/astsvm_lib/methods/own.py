"""Methods from outside this package: a class with ``fit`` and ``predict_proba``, named as ``module:Class``.

The class is a scikit-learn estimator, or has the same methods:

``features(clips)``, optional
    Array (N, ...) with one row per clip. Labels, emotions and action units of the clips cannot be read. By default,
    the onset-apex maps u, v and optical strain of 28 x 28 pixels, (N, 2352).
``fit(X, y)`` or ``fit(X, y, groups)``
    Fits to the rows of a training fold; ``y`` are class numbers (N,), ``groups`` the number of each row's subject.
``predict_proba(X)``, ``decision_function(X)`` or ``predict(X)``
    Scores (M, classes) or class numbers (M,) of the test rows. ``classes_`` says which classes the columns are; by
    default all.

A parameter ``random_state`` of the class is set for each fold, from the seed of the run.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.errors import CompanionError
from astsvm_lib.methods.maps_svm import MapsSvmSettings
from astsvm_lib.methods.method import FitConfig, FoldPrediction, Method, NoSettings, OnEpoch
from astsvm_lib.methods.onset_apex_network import all_inputs
from astsvm_lib.methods.svm_head import subject_numbers
from astsvm_lib.models.svm_transfer import expand_decisions
from astsvm_lib.recipe import Recipe
from astsvm_lib.stages import Stage, register
from astsvm_lib.storage import Arrays

#: Group of entry points by which an installed package names its methods: name -> ``module:Class``.
GROUP = "astsvm.methods"
HIDDEN = ("label", "emotion", "action_units")
#: Stages of this package whose output the method may use: a result is outdated if one of them changes.
_NEEDS = ("features", "onset-apex", "strain", "inner-search", "folds")


class HiddenClip(Clip):
    """A clip whose label, emotion and action units cannot be read."""

    def __getattribute__(self, name: str) -> Any:
        if name in HIDDEN:
            raise CompanionError(
                f"features() read '{name}' of {self.key}; expected features that are computed without what is "
                "to be predicted. Labels of training clips are passed to fit()."
            )
        return super().__getattribute__(name)


def hidden(clips: Iterable[Clip]) -> list[HiddenClip]:
    """The same clips without their labels."""
    return [HiddenClip(**{f.name: getattr(clip, f.name) for f in fields(Clip)}) for clip in clips]


@dataclass(frozen=True)
class OwnMethod(Method):
    """A class from outside this package as a method; :attr:`name` is ``module:Class``."""

    def __reduce__(self) -> tuple[Any, ...]:
        return own_method, (self.name,)

    def create(self, rng: np.random.Generator | None = None) -> Any:
        """A new instance of the class; with a random number generator, its ``random_state`` is set."""
        made = _class(self.name)
        if rng is not None and "random_state" in inspect.signature(made).parameters:
            return made(random_state=int(rng.integers(2**31)))
        return made()

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Any, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        own = getattr(self.create(), "features", None)
        if own is None:
            maps = all_inputs(clips, recipe, MapsSvmSettings(), cache, jobs, progress)
            features = maps.reshape(len(maps), -1)
        else:
            features = np.asarray(own(hidden(clips)))
        if features.ndim < 2 or len(features) != len(clips):
            raise CompanionError(
                f"method {self.name}: expected features of shape ({len(clips)}, ...), one row per clip, found "
                f"{features.shape}"
            )
        if not np.issubdtype(features.dtype, np.number) or not np.isfinite(features).all():
            raise CompanionError(f"method {self.name}: expected features that are finite numbers, found others")
        return {"features": features, "subject": subject_numbers(clips)}

    def fit_predict(
        self,
        train: Arrays,
        labels: np.ndarray,
        test: Arrays,
        config: FitConfig,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> FoldPrediction:
        model = self.create(rng)
        groups = {"groups": train["subject"]} if "groups" in inspect.signature(model.fit).parameters else {}
        model.fit(train["features"].copy(), labels.copy(), **groups)
        return FoldPrediction({"own": self._scores(model, test["features"].copy(), config.classes)}, [])

    def _scores(self, model: Any, rows: np.ndarray, count: int) -> np.ndarray:
        """Scores (M, count) of the test rows."""
        classes = np.asarray(getattr(model, "classes_", np.arange(count)))
        for name in ("predict_proba", "decision_function"):
            if hasattr(model, name):
                values = np.asarray(getattr(model, name)(rows), dtype=float)
                columns = 2 if values.ndim == 1 else values.shape[-1]
                if values.ndim > 2 or len(values) != len(rows) or columns != len(classes):
                    raise CompanionError(
                        f"method {self.name}: {name}: expected scores of shape ({len(rows)}, {len(classes)}), found "
                        f"{values.shape}"
                    )
                return expand_decisions(values, classes, count)
        predicted = np.asarray(model.predict(rows))
        if predicted.shape != (len(rows),) or not np.isin(predicted, np.arange(count)).all():
            raise CompanionError(
                f"method {self.name}: predict: expected {len(rows)} class numbers from 0 to {count - 1}, found an "
                f"array of shape {predicted.shape}"
            )
        return np.eye(count)[predicted]


def _class(name: str) -> Any:
    """The class ``module:Class``; the module is searched in the working directory as well."""
    module, _, attribute = name.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ModuleNotFoundError as error:
        raise CompanionError(
            f"method {name}: no module '{error.name}'; expected a module in the working directory or an installed one"
        ) from None
    if not isinstance(found, type):
        raise CompanionError(f"method {name}: expected a class '{attribute}' in the module {module}, found none")
    missing = [what for what in ("fit",) if not hasattr(found, what)]
    if not any(hasattr(found, what) for what in ("predict_proba", "decision_function", "predict")):
        missing.append("predict_proba, decision_function or predict")
    if missing:
        raise CompanionError(f"method {name}: expected a class with {' and '.join(missing)}; {__name__} says more")
    return found


def own_method(name: str) -> OwnMethod:
    """The method of a class from outside this package.

    Its version, by which stored results become outdated, is a digest of the file of its module.

    Parameters
    ----------
    name
        ``module:Class``.

    Raises
    ------
    CompanionError
        If there is no such class, or it lacks a method.
    """
    found = _class(name)
    source = Path(inspect.getfile(found)).read_bytes()
    version = int(hashlib.sha256(source).hexdigest()[:8], 16)
    about = (inspect.getdoc(found) or "").strip().partition("\n")[0].rstrip(".")
    method = OwnMethod(
        name=name, title=found.__name__, paper=str(getattr(found, "paper", "")),
        inputs=about or "a method of one's own", heads={"own": found.__name__}, settings=NoSettings,
    )  # fmt: skip
    register(Stage(method.stage, "", _NEEDS, number=version))
    return method


def installed() -> dict[str, str]:
    """Methods that installed packages name: name -> ``module:Class``."""
    return {point.name: point.value for point in entry_points(group=GROUP)}
