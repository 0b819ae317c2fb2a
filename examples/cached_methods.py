"""Caching inside a class: the method hands what matters to a cached function of the module.

What to see: two objects with the same data and another object with other data. The work is done
once for each data, because the function depends on nothing but its arguments: neither on which
object asks nor on what else that object holds.
"""

from __future__ import annotations

import tempfile

import numpy as np
from fanfold import Memory


def factorise(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return singular values and right vectors of a matrix: the part that takes long."""
    print(f"factorising a matrix of {matrix.shape[0]} x {matrix.shape[1]}")
    _, values, vectors = np.linalg.svd(matrix, full_matrices=False)
    return values, vectors


class Components:
    """The directions along which some points vary the most.

    Parameters
    ----------
    n_components : int
        How many directions.
    memory : Memory
        Where factorisations are kept.
    """

    def __init__(self, n_components: int, memory: Memory) -> None:
        self.n_components = n_components
        self._factorise = memory.cache(factorise)

    def fit(self, points: np.ndarray) -> np.ndarray:
        """Return the directions."""
        _, vectors = self._factorise(points - points.mean(axis=0))
        return np.asarray(vectors[: self.n_components])


def main(location: str) -> None:
    """Fit three objects, two of which see the same points."""
    memory = Memory(location, verbose=0)
    points = np.random.default_rng(0).normal(size=(400, 50))

    print("two directions:")
    two = Components(2, memory).fit(points)
    print("five directions of the same points:")
    five = Components(5, memory).fit(points)
    print("two directions of other points:")
    other = Components(2, memory).fit(points[:300])

    assert np.array_equal(five[:2], two)
    assert not np.array_equal(other, two)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(directory)
