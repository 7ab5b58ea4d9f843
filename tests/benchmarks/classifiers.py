"""The simplest classifiers that can find a difference between two groups of measurements. Numpy only.

``accuracy(a, b, rng)``: both groups are mixed and halved. Of stump, nearest neighbours and naive Bayes the one is taken
that does best inside the first half (five folds), and judged by the second half, which nobody has seen: 0.5 is chance.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]
#: Takes training rows, their labels, and rows to be judged; gives labels.
Classifier = Callable[[Floats, Labels, Floats], Labels]

_FOLDS = 5
_NEIGHBOURS = 15
_BINS = 16


def stump(train: Floats, labels: Labels, rows: Floats) -> Labels:
    """One threshold on one column: the one that splits the training rows best."""
    best = (-1.0, 0, 0.0, True)
    for column in range(train.shape[1]):
        for threshold in np.quantile(train[:, column], np.linspace(0, 1, 101)):
            right = float(np.mean((train[:, column] > threshold) == labels))
            best = max(best, (right, column, float(threshold), True), (1 - right, column, float(threshold), False))
    _right, column, threshold, above = best
    return np.asarray((rows[:, column] > threshold) == above)


def neighbours(train: Floats, labels: Labels, rows: Floats) -> Labels:
    """The majority of the nearest training rows, by rank in each column."""
    ordered = np.sort(train, axis=0)

    def ranks(values: Floats) -> Floats:
        columns = [np.searchsorted(ordered[:, c], values[:, c]) for c in range(values.shape[1])]
        return np.stack(columns, axis=1).astype(np.float64)

    near, far = ranks(train), ranks(rows)
    distances = np.abs(far[:, None, :] - near[None, :, :]).sum(axis=2)
    nearest = np.argsort(distances, axis=1)[:, :_NEIGHBOURS]
    return np.asarray(labels[nearest].mean(axis=1) > 0.5)


def naive_bayes(train: Floats, labels: Labels, rows: Floats) -> Labels:
    """Histograms of each column for both groups, multiplied."""
    score = np.zeros(len(rows))
    for column in range(train.shape[1]):
        edges = np.quantile(train[:, column], np.linspace(0, 1, _BINS + 1)[1:-1])
        places, judged = np.searchsorted(edges, train[:, column]), np.searchsorted(edges, rows[:, column])
        counts = [np.bincount(places[labels == kind], minlength=_BINS) + 1.0 for kind in (False, True)]
        score += np.log(counts[1] / counts[1].sum())[judged] - np.log(counts[0] / counts[0].sum())[judged]
    return np.asarray(score > 0)


CLASSIFIERS: dict[str, Classifier] = {"stump": stump, "neighbours": neighbours, "naive Bayes": naive_bayes}


def accuracy(one: Floats, other: Floats, rng: np.random.Generator) -> tuple[str, float, int]:
    """Name of the classifier that was taken, its accuracy on unseen rows, and how many those were."""
    size = min(len(one), len(other))
    groups = [group[rng.permutation(len(group))[:size]] for group in (one, other)]
    rows = np.concatenate(groups)
    labels = np.arange(2 * size) < size
    order = rng.permutation(2 * size)
    rows, labels = rows[order], labels[order]
    train, judged = slice(0, size), slice(size, None)
    name = max(CLASSIFIERS, key=lambda name: _inside(CLASSIFIERS[name], rows[train], labels[train]))
    found = CLASSIFIERS[name](rows[train], labels[train], rows[judged])
    return name, float(np.mean(found == labels[judged])), size


def _inside(classifier: Classifier, rows: Floats, labels: Labels) -> float:
    """Accuracy inside the training rows, fold by fold."""
    folds = np.arange(len(rows)) % _FOLDS
    right = [
        np.mean(classifier(rows[folds != fold], labels[folds != fold], rows[folds == fold]) == labels[folds == fold])
        for fold in range(_FOLDS)
    ]
    return float(np.mean(right))
