"""Damaged files that are trusted: numpy must not crash on them, nor memory be taken in vain.

Pickles of others have no checksums. So they are rehearsed before they run, as those are that nobody
trusts, but all that is refused is what no pickle of Python or numpy can be: sizes that are not
there, and arrays and dtypes that numpy would believe. Whatever else a pickle does, it may do.
"""

from __future__ import annotations

from contextlib import suppress

from .._arrays import ARRAYS_OF_JOBLIB
from .._companions import array_file_class
from .._sources import bytes_left
from .numpy_permits import JOBLIB_ARRAY, guarded_permit
from .opcodes import OpcodeReader
from .permit import FREE, Permit, Refused
from .rehearsal import Rehearsal, UnforeseeableError, rehearse
from .standard_permits import STANDARD_PERMITS
from .symbols import Global, Symbol
from .trust import Permits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from .._sources import ByteStream
    from .symbols import Call, DictOf

__all__ = ["GuardedStream", "check_undamaged"]


def check_undamaged(stream: BinaryIO, place: str) -> None:
    """Read a pickle in a file that can be rewound, and rewind it.

    Raises
    ------
    fanfold.errors.CorruptFileError
        If it is damaged in such a way.
    """
    position = stream.tell()
    opcodes = OpcodeReader(stream, place, bytes_left(stream))
    # Of an array of somebody else's dtype, only that knows how long its data are.
    with suppress(UnforeseeableError):
        rehearse(opcodes, _Guard(place))
    stream.seek(position)


class GuardedStream:
    """A pickle that can be read only once; each part of it is rehearsed when it is asked for.

    Data in its midst, as joblib writes them, divide the parts, and are handed out as they are.

    Parameters
    ----------
    stream : file object
        The pickle.
    place : str
        What to call it in messages.
    read_ahead : bool
        Whether the stream may be read further than the pickle goes.
    """

    def __init__(self, stream: ByteStream, place: str, *, read_ahead: bool) -> None:
        self._stream = stream
        self._opcodes = OpcodeReader(stream, place, read_ahead=read_ahead, keeps=True)
        self._guard = _Guard(place)
        self._rehearsal = Rehearsal(self._opcodes, self._guard, None)
        self._part = memoryview(b"")
        self._is_guarded = True
        self._rehearse()

    @property
    def whole(self) -> memoryview | None:
        """The whole pickle, or None if there may be data in its midst or in other files."""
        is_whole = self._rehearsal.is_over and not self._guard.has_arrays_of_joblib
        return self._part if is_whole else None

    def read(self, size: int, /) -> bytes:
        """Return `size` bytes, or less at the end."""
        data = self._next(size)
        while len(data) < size:
            more = self._next(size - len(data))
            if not more:
                break
            data += more
        return data

    def readinto(self, target: memoryview) -> int:
        """Fill `target` and return how many bytes there were."""
        filled = 0
        while filled < len(target):
            data = self._next(len(target) - filled)
            if not data:
                break
            target[filled : filled + len(data)] = data
            filled += len(data)
        return filled

    def readline(self, size: int = -1, /) -> bytes:
        """Return the bytes up to a line's end, or `size` of them."""
        line = bytearray()
        while len(line) != size and not line.endswith(b"\n"):
            byte = self._next(1)
            if not byte:
                break
            line += byte
        return bytes(line)

    def _next(self, size: int) -> bytes:
        """Return some bytes; none at the end."""
        if not self._part:
            if self._opcodes.data_left:
                return self._opcodes.read_data(size)
            if not self._is_guarded:
                return self._stream.read(size)
            if not self._rehearsal.is_over:
                self._rehearse()
        data, self._part = self._part[:size], self._part[size:]
        return bytes(data)

    def _rehearse(self) -> None:
        """Have the next part ready, up to data or to the end."""
        try:
            self._rehearsal.run()
        except UnforeseeableError:
            self._is_guarded = False
            self._part = memoryview(self._opcodes.kept() + self._opcodes.rest())
        else:
            self._part = memoryview(self._opcodes.kept())


class _Guard(Permits):
    """Permits everything, apart from what would have numpy crash."""

    def __init__(self, place: str, *, joblib_arrays: bool = True) -> None:
        super().__init__(None, place, joblib_arrays=joblib_arrays)
        self._place = place

    def of_plain_pickle(self) -> _Guard:
        return _Guard(self._place, joblib_arrays=False)

    @property
    def only_guards(self) -> bool:
        return True

    @property
    def has_arrays_of_joblib(self) -> bool:
        """Whether arrays were described as any version of joblib does."""
        return self.are_joblibs or any(array_file_class(*name) for name in self._globals)

    def _new_global(self, module: str, name: str) -> Global:
        if self._joblib_arrays and (module, name) in ARRAYS_OF_JOBLIB:
            return Global(module, name, JOBLIB_ARRAY)
        permit = _MAKERS.get((module, name)) or guarded_permit(module, name)
        return Global(module, name, permit or FREE)


def _of_what_is_usual(permit: Permit) -> Permit:
    """Return a permit of anything; what comes of it is known only of what `permit` permits."""

    def call(call: Call, keywords: DictOf | None) -> Symbol:
        try:
            return permit.call(call, keywords)
        except Refused:
            return call

    return FREE._replace(call=call)


_MAKERS = {
    name: _of_what_is_usual(STANDARD_PERMITS[name])
    for name in [
        ("_codecs", "encode"),
        ("builtins", "bytes"),
        ("builtins", "bytearray"),
        ("copyreg", "_reconstructor"),
    ]
}
"""What older protocols call to make bytes, and objects."""
