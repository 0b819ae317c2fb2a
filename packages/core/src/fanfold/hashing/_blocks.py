"""The digest of long runs of bytes, found by several threads.

One core reads memory at some 10 GB/s here, two at twice that, while xxh3 by itself would manage 35.
So the digest of more than one block of 4 MiB is that of its blocks' digests joined: blocks can be
hashed in any order, by as many threads as there are. The result does not depend on how many that
was, nor on how the bytes lie in memory. Blocks are no smaller, because a thread that has finished
one may have to wait for other threads of the program.
"""

from __future__ import annotations

import os
from threading import Lock, Thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ._algorithms import Algorithm, Piece
    from ._words import Chunks

__all__ = ["BLOCK", "digest_of_chunks"]

BLOCK = 1 << 22
_STEP = 1 << 20  # what is looked at twice, first for NaNs, should stay in a core's own cache
_BLOCKS_FOR_EACH_THREAD = 2  # a thread takes 0.1 ms to start, which is half a block
_MOST_THREADS = 4  # more only wait for memory


def digest_of_chunks(algorithm: Algorithm, chunks: Chunks) -> bytes:
    """Return the digest of what the pieces of `chunks` say when joined."""
    if chunks.nbytes <= BLOCK:
        return _digest_of_block(algorithm, chunks.pieces(), chunks.clean)
    crew = _Crew(algorithm, chunks)
    crew.run(_n_threads(chunks.nbytes // BLOCK))
    return algorithm.digest_pieces(crew.digests[number] for number in range(len(crew.digests)))


def _digest_of_block(
    algorithm: Algorithm, pieces: Iterable[Piece], clean: Callable[[Piece], Piece] | None
) -> bytes:
    if clean is None:
        if isinstance(pieces, list) and len(pieces) == 1:
            return algorithm.digest(pieces[0])  # a fifth faster than in pieces
        return algorithm.digest_pieces(pieces)
    return algorithm.digest_pieces(
        clean(view[start : start + _STEP])
        for view in (memoryview(piece) for piece in pieces)
        for start in range(0, len(view), _STEP)
    )


def _blocks_of(pieces: Iterable[Piece]) -> Iterator[list[memoryview]]:
    """Cut pieces of bytes and join them to blocks; each block is a list of what makes it up."""
    block: list[memoryview] = []
    room = BLOCK
    for piece in pieces:
        rest = memoryview(piece)
        while len(rest):
            block.append(rest[:room])
            rest = rest[room:]
            room -= len(block[-1])
            if not room:
                yield block
                block, room = [], BLOCK
    if block:
        yield block


class _Crew:
    """Threads that take one block after the other, until there are none.

    The calling thread is one of them, and does all where no other can be started.
    """

    def __init__(self, algorithm: Algorithm, chunks: Chunks) -> None:
        self.digests: dict[int, bytes] = {}
        self._algorithm = algorithm
        self._clean = chunks.clean
        self._blocks = enumerate(_blocks_of(chunks.pieces()))
        self._lock = Lock()
        self._errors: list[BaseException] = []

    def run(self, n_threads: int) -> None:
        helpers = [Thread(target=self._help, name="fanfold-hash") for _ in range(n_threads - 1)]
        started = []
        try:
            for helper in helpers:
                helper.start()
                started.append(helper)
        except RuntimeError:  # no thread can be started, as when the interpreter shuts down
            pass
        try:
            self._work()
        finally:
            self._stop()
            for helper in started:
                helper.join()
        if self._errors:
            raise self._errors[0]

    def _help(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  raised again by the thread that asked
            self._errors.append(error)
            self._stop()

    def _work(self) -> None:
        while True:
            with self._lock:
                number, block = next(self._blocks, (-1, []))
            if number < 0:
                return
            self.digests[number] = _digest_of_block(self._algorithm, block, self._clean)

    def _stop(self) -> None:
        """Leave no block to take."""
        with self._lock:
            self._blocks = enumerate(iter(()))


def _n_threads(n_blocks: int) -> int:
    """Return how many threads are worth it; no more than a worker is told that it may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # only some systems have it
    n_cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    limit = int(allowed) if allowed.isdecimal() else n_cpus
    return max(1, min(n_cpus, limit, _MOST_THREADS, n_blocks // _BLOCKS_FOR_EACH_THREAD))
