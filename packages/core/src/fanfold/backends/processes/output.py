"""The stdout and stderr of a worker: whole lines go to the parent, which writes them to its own.

So they are seen where the parent's are: in a notebook, a test's captured output, a redirected
stream. What does not pass through ``sys.stdout`` and ``sys.stderr``, such as the output of programs
that a task starts, goes to the descriptors that the worker inherited.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from io import BufferedIOBase, StringIO, TextIOBase, UnsupportedOperation

from .messages import OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codecs import IncrementalDecoder
    from typing import TextIO

    from ..._buffers import Buffer
    from .outlet import Outlet

__all__ = ["LineStream", "write_output"]

_STREAMS = ("stdout", "stderr")


class LineStream(TextIOBase):
    """A text stream that sends whole lines, each thread's by themselves.

    Parameters
    ----------
    name : {'stdout', 'stderr'}
        Which of the parent's streams it stands for.
    outlet : Outlet
        Where lines go. When it is closed, they go to the stream that the worker inherited.

    Attributes
    ----------
    unfinished : dict
        Beginnings of lines, by the number of the thread that writes them.
    """

    LONGEST = 1 << 16
    """A line that is longer is sent in pieces."""

    def __init__(self, name: str, outlet: Outlet) -> None:
        self._number = _STREAMS.index(name).to_bytes()
        self._inherited: TextIO | None = getattr(sys, f"__{name}__")
        self._outlet = outlet
        self.unfinished: dict[int, StringIO] = {}
        self._binary: _BinaryLines | None = None
        self.name = f"<{name}>"
        self.mode = "w"

    @property
    def encoding(self) -> str:  # type: ignore[override]  # as that of any stream, it is not set
        """That of the stream that the worker inherited."""
        return self._inherited.encoding if self._inherited is not None else "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]  # as above
        """What becomes of bytes in `buffer` that are no text."""
        return "backslashreplace"

    @property
    def line_buffering(self) -> bool:
        """True: a line is sent when it is whole."""
        return True

    @property
    def buffer(self) -> BufferedIOBase:
        """The stream for bytes, which must be text in the encoding of this one."""
        if self._binary is None:
            self._binary = _BinaryLines(self)
        return self._binary

    def writable(self) -> bool:
        """Return True."""
        return True

    def isatty(self) -> bool:
        """Tell whether the stream that the worker inherited is a terminal."""
        return self._inherited is not None and self._inherited.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream that the worker inherited."""
        if self._inherited is None:
            raise UnsupportedOperation("fileno")
        return self._inherited.fileno()

    def reconfigure(self, **options: object) -> None:
        """Do nothing: texts travel as they are."""

    def write(self, text: str) -> int:
        """Take a text, and send what is whole lines by now."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        # What a progress bar draws again and again ends with a carriage return.
        end = max(text.rfind("\n"), text.rfind("\r")) + 1
        if end or len(text) > self.LONGEST:
            end = end or len(text)
            self._send(self._take_unfinished() + text[:end])
        if end < len(text):
            self._keep(text[end:])
        return len(text)

    def _take_unfinished(self) -> str:
        kept = self.unfinished.pop(get_ident(), None)
        return "" if kept is None else kept.getvalue()

    def _keep(self, text: str) -> None:
        """Keep the beginning of a line.

        What is finalized meanwhile may write too: nothing here is read, and then written back.
        """
        kept = self.unfinished.get(get_ident())
        if kept is None:
            kept = self.unfinished.setdefault(get_ident(), StringIO())
        kept.write(text)
        if kept.tell() > self.LONGEST:
            self._send(self._take_unfinished())

    def end_lines(self) -> None:
        """Send what is not a whole line, because its task has ended."""
        while self.unfinished:
            self._send(self.unfinished.popitem()[1].getvalue())

    def _send(self, text: str) -> None:
        if self._outlet.send(OUTPUT, self._number + text.encode("utf-8", "surrogatepass")):
            return
        if self._inherited is not None:
            _write(self._inherited, text)
            self._inherited.flush()


class _BinaryLines(BufferedIOBase):
    """What ``sys.stdout.buffer`` is in a worker."""

    def __init__(self, text_stream: LineStream) -> None:
        from codecs import getincrementaldecoder

        decoder = getincrementaldecoder(text_stream.encoding)
        self._decoder: IncrementalDecoder = decoder(text_stream.errors)
        self._text_stream = text_stream

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._text_stream.fileno()

    def write(self, data: Buffer) -> int:  # type: ignore[override]  # any buffer, as said
        count = memoryview(data).nbytes
        self._text_stream.write(self._decoder.decode(bytes(data)))
        return count


def write_output(message: bytes | Buffer) -> None:
    """Write what a worker printed to this process's stream; nobody may be there to read it."""
    data = bytes(message)
    stream: TextIO | None = getattr(sys, _STREAMS[data[0]])
    if stream is not None:
        _write(stream, data[1:].decode("utf-8", "surrogatepass"))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    except (OSError, ValueError):
        pass  # it is closed, here or at its other end: that is not the task's fault
