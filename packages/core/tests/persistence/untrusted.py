"""Files of every kind, and what reads them as it would read those of strangers."""

import dataclasses
import io
import pickle

import joblib
from fanfold.persistence import dump, load

HERE = __name__


@dataclasses.dataclass
class Point:
    x: int
    y: int

    class Inner:
        pass


class Loud:
    """Leaves a trace when it is made anew."""

    seen = []  # noqa: RUF012  the trace

    def __init__(self, value=0):
        self.seen.append(value)

    def __reduce__(self):
        return Loud, (1,)


class Row(list):
    pass


class Count(int):
    pass


class Running:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def container(value):
    file = io.BytesIO()
    dump(value, file)
    return file.getvalue()


def of_joblib(value):
    file = io.BytesIO()
    joblib.dump(value, file)
    return file.getvalue()


def of_joblib_compressed(value):
    file = io.BytesIO()
    joblib.dump(value, file, compress=3)
    return file.getvalue()


def plain(value, protocol=pickle.HIGHEST_PROTOCOL):
    return pickle.dumps(value, protocol)


WRITERS = [container, of_joblib, of_joblib_compressed, plain]


READERS = {
    "file": lambda data, trusted: load(io.BytesIO(data), trusted=trusted),
    "pipe": lambda data, trusted: load(Pipe(data), trusted=trusted),
}


class Pipe:
    def __init__(self, data):
        self.read = io.BytesIO(data).read


def load_bytes(data, trusted):
    return load(io.BytesIO(data), trusted=trusted)
