"""A sweep over handwritten digits: 60 support vector machines, each cross-validated, then ranked.

::

    python examples/digits_sweep.py
    python examples/digits_sweep.py --backend dask --store s3://bucket/digits --n-jobs 8

What to see: the configurations run side by side on the backend you choose, with progress; a second
run finds all of them in the store and is done in a fraction of the time, and so does a run that was
interrupted, for those that were done.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
from fanfold import Memory, Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.svm import SVC

FOLDS = 3
SHOWN = 10


class Setting(NamedTuple):
    """One configuration of the classifier."""

    cost: float
    gamma: float


class Sweep(NamedTuple):
    """What a sweep found, and what it took."""

    scores: dict[Setting, dict[str, float]]
    n_cached: int
    seconds: float


def main() -> None:
    """Run the sweep that the command line describes."""
    options = parse_options()
    images, labels = load_digits(return_X_y=True)
    n_images = min(len(images), max(200, round(len(images) * options.scale)))
    settings = grid(options.scale)
    print(f"{len(settings)} configurations, {FOLDS} folds, {n_images} digits, {options.backend}")

    sweep = run(settings, images[:n_images] / 16, labels[:n_images], options)

    ranked = sorted(sweep.scores.items(), key=lambda item: -item[1]["accuracy"])
    print_table(ranked[:SHOWN])
    save_plot(sweep.scores, options.plot)
    print(f"The plot of all of them is in {options.plot}")
    print(summary(sweep))


def grid(scale: float) -> list[Setting]:
    """Return the configurations: 60 of them at a scale of 1."""
    costs = np.logspace(-1, 2, max(2, round(10 * scale**0.5)))
    gammas = np.logspace(-3, 0, max(2, round(6 * scale**0.5)))
    return [Setting(float(cost), float(gamma)) for cost in costs for gamma in gammas]


def evaluate(images: np.ndarray, labels: np.ndarray, cost: float, gamma: float) -> dict[str, float]:
    """Cross-validate one configuration: this is the work, and what is cached."""
    began = perf_counter()
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    accuracies = cross_val_score(SVC(C=cost, gamma=gamma), images, labels, cv=folds)
    return {
        "accuracy": float(accuracies.mean()),
        "spread": float(accuracies.std()),
        "seconds": perf_counter() - began,
    }


def run(
    settings: list[Setting], images: np.ndarray, labels: np.ndarray, options: argparse.Namespace
) -> Sweep:
    """Compute in parallel what the store does not have, then read all of it from there."""
    began = perf_counter()
    cached = Memory(options.store, verbose=0).cache(evaluate)
    missing = [
        setting for setting in settings if not cached.check_call_in_cache(images, labels, *setting)
    ]
    if missing:
        with engine(options.backend):
            Parallel(n_jobs=options.n_jobs, backend=options.backend, progress=True)(
                [delayed(cached)(images, labels, *setting) for setting in missing]
            )
    scores = {setting: cached(images, labels, *setting) for setting in settings}
    return Sweep(scores, len(settings) - len(missing), perf_counter() - began)


@contextmanager
def engine(backend: str) -> Iterator[None]:
    """Hold a connection to Dask or Ray: to what is running, else to one started on this machine."""
    if backend == "dask":
        from distributed import Client

        local = {"threads_per_worker": 1, "dashboard_address": ":0"}
        with Client(**local):
            yield
    elif backend == "ray":
        import ray

        with ray.init(include_dashboard=False, log_to_driver=False):
            yield
    else:
        yield


def summary(sweep: Sweep) -> str:
    """Say in one sentence what was computed, what was not, and what that took or saved."""
    n_all = len(sweep.scores)
    work = sum(score["seconds"] for score in sweep.scores.values())
    if sweep.n_cached == n_all:
        return (
            f"{n_all} of {n_all} configurations came from the cache in {sweep.seconds:.1f} s; "
            f"computing them took {work:.0f} s"
        )
    return (
        f"{n_all - sweep.n_cached} of {n_all} configurations were computed, {sweep.n_cached} came "
        f"from the cache, in {sweep.seconds:.1f} s; one after the other they take {work:.0f} s"
    )


def print_table(ranked: list[tuple[Setting, dict[str, float]]]) -> None:
    """Print configurations, the best first."""
    header = ("rank", "C", "gamma", "accuracy", "spread", "seconds")
    rows = [
        (
            str(rank),
            f"{setting.cost:.3g}",
            f"{setting.gamma:.3g}",
            f"{score['accuracy']:.2%}",
            f"{score['spread']:.2%}",
            f"{score['seconds']:.2f}",
        )
        for rank, (setting, score) in enumerate(ranked, start=1)
    ]
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        for row in (header, *rows):
            print("".join(f"{cell:>10}" for cell in row))
    else:
        table = Table(title=f"The best {len(rows)}", title_justify="left")
        for name in header:
            table.add_column(name, justify="right")
        for row in rows:
            table.add_row(*row)
        Console().print(table)


def save_plot(scores: dict[Setting, dict[str, float]], path: Path) -> None:
    """Draw accuracy over cost and gamma, and mark the best."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import PercentFormatter

    costs = sorted({setting.cost for setting in scores})
    gammas = sorted({setting.gamma for setting in scores})
    accuracy = np.array(
        [[scores[Setting(cost, gamma)]["accuracy"] for gamma in gammas] for cost in costs]
    )
    best = np.unravel_index(accuracy.argmax(), accuracy.shape)

    figure, axes = plt.subplots(figsize=(2 + len(gammas), 1.6 + 0.45 * len(costs)))
    # On a plain scale the good ones, which are compared, would all have one colour.
    errors = np.clip(1 - accuracy, 0.001, 1)
    image = axes.imshow(errors, origin="lower", aspect="auto", cmap="viridis_r", norm=LogNorm())
    for (row, column), value in np.ndenumerate(accuracy):
        color = "black" if value > 0.96 else "white"
        weight = "bold" if (row, column) == best else "normal"
        axes.text(column, row, f"{value:.1%}", ha="center", va="center", color=color, weight=weight)
    corner = best[1] - 0.5, best[0] - 0.5
    axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="red", linewidth=2.5))
    axes.set_xticks(range(len(gammas)), [f"{gamma:.3g}" for gamma in gammas])
    axes.set_yticks(range(len(costs)), [f"{cost:.3g}" for cost in costs])
    axes.set_xlabel("gamma: how near an example must be to count")
    axes.set_ylabel("C: what a mistake costs")
    axes.set_title(f"Digits told apart: {accuracy.max():.1%} at best")
    figure.colorbar(image, label="digits mistaken", format=PercentFormatter(1, decimals=0))
    figure.savefig(path, dpi=150, bbox_inches="tight")
    plt.close(figure)


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    summary, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--backend",
        default="processes",
        choices=("processes", "threads", "sequential", "dask", "ray"),
        help="what runs the work",
    )
    parser.add_argument(
        "--store", default="sweep-cache", help="where results are kept: a directory or an s3:// URL"
    )
    parser.add_argument(
        "--n-jobs", type=int, default=-1, help="how many workers; -1 is all there are"
    )
    parser.add_argument(
        "--scale", type=scale, default=1.0, help="how much work: 4 is four times the configurations"
    )
    parser.add_argument(
        "--plot", type=Path, default=Path("sweep.png"), help="where the plot is saved"
    )
    return parser.parse_args()


def scale(text: str) -> float:
    """Read a number above 0."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not valid: expected a number above 0")
    return value


if __name__ == "__main__":
    main()
