"""Progress of a call on stderr: a bar with rich on a terminal, else a few plain lines."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from threading import Lock
from time import perf_counter

from ._observing import Observer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ..tasks.outcomes import Outcome
    from ._policy import Verdict

__all__ = ["ProgressObserver"]


class ProgressObserver(Observer):
    """Shows on stderr how far a call is, how long it has taken, and how it ended.

    Calls that run at once, in several threads, each have their bar or their lines.
    """

    def __init__(self) -> None:
        self._display = Display()
        self._done = 0
        self._failed = 0

    def call_started(self, backend: str, n_jobs: int, total: int | None) -> None:
        """Begin to show it."""
        title = backend if n_jobs == 1 else f"{backend}, {n_jobs} workers"
        self._display = Bar(title, total) if _can_draw() else Lines(title, total)

    def batch_finished(self, first_task: int, outcome: Outcome) -> None:
        """Show that more tasks are done."""
        self._done += len(outcome.results)
        self._display.show(self._done, self._failed)

    def task_failed(self, index: int, error: BaseException, verdict: Verdict) -> None:
        """Count a task whose failure is its result as done, and as failed."""
        if verdict.is_returned:
            self._done += 1
            self._failed += 1

    def call_finished(self, n_tasks: int, error: BaseException | None) -> None:
        """Show the end."""
        self._display.end(n_tasks, self._failed, _ending(error))


class Display:
    """Shows one call; this one shows nothing."""

    def show(self, done: int, failed: int) -> None:
        """Show that so many tasks are done, and so many of these failed."""

    def end(self, done: int, failed: int, ending: str) -> None:
        """Show for good how many tasks were done, and what ended the call early, if anything."""


class Lines(Display):
    """A line for each tenth of the tasks, or each time their number doubles if nobody knows it."""

    def __init__(self, title: str, total: int | None) -> None:
        self._title = title
        self._total = total
        self._began = perf_counter()
        self._next_line = next_line(0, total)

    def show(self, done: int, failed: int) -> None:
        """Write a line, if it is time to."""
        if done < self._next_line or done == self._total:
            return
        self._next_line = next_line(done, self._total)
        elapsed = perf_counter() - self._began
        if self._total is None:
            self._write(done, failed, f"{_clock(elapsed)} so far")
        else:
            left = elapsed * (self._total - done) / done
            self._write(done, failed, f"{_clock(elapsed)} so far, about {_clock(left)} left")

    def end(self, done: int, failed: int, ending: str) -> None:
        """Write the last line."""
        if not ending:
            self._total = None
        elapsed = _clock(perf_counter() - self._began)
        self._write(done, failed, f"{ending or 'finished'} after {elapsed}")

    def _write(self, done: int, failed: int, text: str) -> None:
        if failed:
            text = f"{_failed(failed)}, {text}"
        out_of = "" if self._total is None else f" of {self._total}"
        if sys.stderr is not None:  # None where there is no console, as under pythonw
            sys.stderr.write(f"[fanfold] {self._title}: done {done}{out_of}, {text}\n")
            sys.stderr.flush()


class Bar(Display):
    """A bar on the terminal."""

    def __init__(self, title: str, total: int | None) -> None:
        self._row = _terminal.add(title, total)

    def show(self, done: int, failed: int) -> None:
        """Lengthen the bar."""
        _terminal.update(self._row, done, _failed(failed))

    def end(self, done: int, failed: int, ending: str) -> None:
        """Leave the bar as it is, and draw no more."""
        _terminal.end(self._row, done, _failed(failed), ending)


class _Terminal:
    """The bars of all calls of this process: a terminal has room for one live display."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._progress: Progress | None = None

    def add(self, title: str, total: int | None) -> TaskID:
        with self._lock:
            if self._progress is None:
                self._progress = _new_progress()
                self._progress.start()
            return self._progress.add_task(title, total=total, ending="")

    def update(self, row: TaskID, done: int, failed: str) -> None:
        with self._lock:
            assert self._progress is not None  # from the first row to the last
            self._progress.update(row, completed=done, ending=failed)

    def end(self, row: TaskID, done: int, failed: str, ending: str) -> None:
        with self._lock:
            progress = self._progress
            assert progress is not None
            last_words = ", ".join(filter(None, (failed, ending)))
            progress.update(row, completed=done, ending=last_words)
            if not ending:
                progress.update(row, total=done)
            (ended,) = (task for task in progress.tasks if task.id == row)
            last_look = progress.make_tasks_table([ended])
            progress.remove_task(row)
            progress.console.print(last_look)  # above the bars of the calls that go on
            if not progress.tasks:
                progress.stop()
                self._progress = None


_terminal = _Terminal()


def next_line(done: int, total: int | None) -> int:
    """Return the number of tasks at which the next line is due.

    Parameters
    ----------
    done : int
        How many are done now.
    total : int or None
        How many there are, if known.
    """
    if total is None:
        return max(1, 2 * done)
    tenth = max(1, total // 10)
    return (done // tenth + 1) * tenth


def _new_progress() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]left"),
        TimeRemainingColumn(),
        TextColumn("[red]{task.fields[ending]}"),
        console=Console(stderr=True),
        transient=True,
        # What is printed meanwhile goes above the bars; a pipe must get it as it is.
        redirect_stdout=_is_terminal(sys.stdout),
    )


def _can_draw() -> bool:
    """Return whether stderr can show a bar that moves, and rich is there to draw it."""
    if os.environ.get("TERM") == "dumb" or not _is_terminal(sys.stderr):
        return False
    from importlib.util import find_spec

    return find_spec("rich") is not None


def _is_terminal(stream: object) -> bool:
    isatty = getattr(stream, "isatty", None)  # what takes the place of a stream may have none
    return isatty is not None and bool(isatty())


def _ending(error: BaseException | None) -> str:
    """Return what ended a call early, or nothing."""
    if error is None:
        return ""
    if isinstance(error, GeneratorExit):
        return "closed early"
    return f"ended by {type(error).__name__}"


def _failed(count: int) -> str:
    """Return how many tasks failed, or nothing."""
    return f"{count} failed" if count else ""


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
