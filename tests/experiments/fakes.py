"""A quick stand-in for fitting: every fold predicts the first class."""

from collections.abc import Callable, Iterator

from astsvm_lib.experiments.fold import Task
from astsvm_lib.results.record import ClipResult, FoldResult, HeadResult


def fake_fold(fold, task: Task) -> FoldResult:
    """One fold, with every head of the method."""
    predicted = HeadResult(prediction=task.classes[0], scores=dict.fromkeys(task.classes, 0.5))
    clips = [
        ClipResult(
            key=task.keys[row],
            subject=task.subjects[row],
            truth=task.classes[task.labels[row]],
            heads=dict.fromkeys(task.method.heads, predicted),
        )
        for row in fold.test
    ]
    epochs = [{"epoch": float(i + 1), "loss": 1.0, "accuracy": 0.5} for i in range(task.config.epochs)]
    return FoldResult(name=fold.name, epochs=epochs, trainer="trainer-fast", seconds=0.1, clips=clips)


def fake_folds(folds, arrays, task: Task, on_epoch=None) -> Iterator[FoldResult]:
    for fold in folds:
        yield fake_fold(fold, task)


def interrupted_once(begun: list[str]) -> Callable[..., Iterator[FoldResult]]:
    """As :func:`fake_folds`, but interrupted in the third fold; the subjects of begun folds are appended to a list."""

    def folds_until_interrupted(folds, arrays, task: Task, on_epoch=None) -> Iterator[FoldResult]:
        for fold in folds:
            begun.append(fold.name)
            if len(begun) == 3:
                raise KeyboardInterrupt
            yield fake_fold(fold, task)

    return folds_until_interrupted
