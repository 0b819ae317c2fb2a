"""``load(trusted=...)`` refuses what runs code, and what no pickler writes."""

import functools
import operator
import os
import struct

import numpy as np
import pytest
from fanfold.errors import CorruptFileError, UntrustedGlobalError

from .untrusted import HERE, READERS, Point, Running, load_bytes, plain


def reduced(*parts):
    return plain(Running(*parts))


WRONG = {
    "eval": reduced(eval, "1 + 1"),
    "exec": reduced(exec, "x = 1"),
    "system": reduced(os.system, "true"),
    "getattr": reduced(getattr, dict, "fromkeys"),
    "import": reduced(__import__, "os"),
    "open": reduced(open, "/etc/passwd"),
    "partial": reduced(functools.partial, eval, "1"),
    "attrgetter": reduced(operator.attrgetter, "system"),
    "methodcaller": reduced(operator.methodcaller, "system", "true"),
    "type": reduced(type, "X", (), {}),
    "map": reduced(map, eval, ["1"]),
    "numpy.load": reduced(np.load, "/etc/passwd"),
    "numpy.zeros": reduced(np.zeros, 3),
    "numpy.fromfile": reduced(np.fromfile, "/etc/passwd"),
    "runstring": b"cnumpy.testing._private.utils\nrunstring\n(S'1'\n}tR.",
    "f2py": b"cnumpy.f2py\ncompile\n(S'x'\ntR.",
    "ufunc": b"cnumpy.core\n_ufunc_reconstruct\n(Vos\nVsystem\ntR.",
    "dotted": b"\x80\x04\x8c\x05numpy\x8c\x11testing.os.getcwd\x93)R.",
    "dotted array": b"\x80\x04\x8c\x05numpy\x8c\x12ndarray.__reduce__\x93.",
    "instance": b"(Vtrue\nios\nsystem\n.",
    "object": b"(cos\nsystem\nVtrue\no.",
    "old name": b"c__builtin__\neval\n(V1\ntR.",
    "of sklearn by another way": b"csklearn.base\nwarnings.warn\n.",
    "imported by sklearn": b"csklearn.base\ndefaultdict\n.",
    "of sklearn's tests": b"csklearn.utils._testing\nassert_run_python_script_without_output\n.",
    "of sklearn's data": b"csklearn.datasets\nfetch_openml\n.",
    "module": b"cnumpy\nos\n.",
    "a list of anything": b"cbuiltins\nlist\n(cbuiltins\nrange\n(L1000000000000L\ntRtR.",
    "a type called": b"cnumpy\nndarray\n((L1000000000000L\ntVO\ntR.",
}


@pytest.mark.parametrize("name", WRONG)
def test_nothing_that_runs_code_is_trusted_by_the_presets(name):
    with pytest.raises(UntrustedGlobalError):
        load_bytes(WRONG[name], ["numpy", "sklearn"])


FORGED = {
    "calls what a call returned": b"cfractions\nFraction\n(I1\ntR(I1\ntR.",
    "changes a class": b"cfractions\nFraction\n}Vx\nI1\nsb.",
    "puts items into a class": b"cfractions\nFraction\nI1\na.",
    "a computed name": b"\x80\x04\x8c\x02os](K\x01e\x93.",
    "an unknown number": b"\x80\x02\x82\xf9.",
    "a persistent id": b"Pabc\n.",
    "a persistent id on the stack": b"K\x01Q.",
    "an opcode of no kind": b"\xfe.",
    "protocol 6": b"\x80\x06N.",
    "a second protocol": b"\x80\x04N\x80\x02.",
    "a large memo": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "a large memo as text": b"Np2000000000\n.",
    "no memo": b"h\x05.",
    "no mark": b"t.",
    "an empty stack": b".",
    "too little on the stack": b"K\x01s.",
    "a huge text": b"\x80\x04\x8d" + struct.pack("<Q", 1 << 63) + b"abc.",
    "huge bytes": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"abc.",
    "a huge bytearray": b"\x80\x05\x96" + struct.pack("<Q", 1 << 62) + b"abc.",
    "a huge number": b"\x80\x02\x8b" + struct.pack("<I", 1 << 31) + b"abc.",
    "a huge frame": b"\x80\x04\x95" + struct.pack("<Q", 1 << 40) + b"N.",
    "a long frame": b"\x80\x04\x95" + struct.pack("<Q", 100) + b"N.",
    "a buffer": b"\x80\x05\x97.",
    "something read-only": b"\x80\x05N\x98.",
    "a state without object": b"}}b.",
    "deep tuples": b"\x80\x02)" + b"\x85" * 100_000 + b".",
    "tuples hashed for ever": b"\x80\x02})" + b"2\x86" * 1000 + b"Ns.",
    "tuples in a set for ever": b"\x80\x04\x8f()" + b"2\x86" * 1000 + b"\x90.",
    "tuples in a frozen set for ever": b"\x80\x04()" + b"2\x86" * 1000 + b"\x91.",
    "tuples hashed again and again": b"}(" + b"K\x01" * 9000 + b"tq\0" + b"h\0Ns" * 50_000 + b".",
    "a list taken again and again": b"("
    + b"K\x01" * 9000
    + b"lq\0"
    + b"cbuiltins\nset\n(h\0tR0" * 2
    + b".",
    "text that is none": b"\x80\x04\x8c\x02\xff\xfe.",
    "a name that is no text": b"c\xff\nx\n.",
    "half a line": b"Vabc",
    "half a number": b"J\0\0",
    "no end": b"\x80\x02]",
    "keys without value": b"}(K\x01u.",
    "a range of objects": b"cbuiltins\nrange\n(NtR.",
    "a trillion zeros": b"cbuiltins\nbytearray\n(L1000000000000L\ntR.",
    "bytes of a number": b"cbuiltins\nbytes\n(L1000000000000L\ntR.",
    "a list of a range": b"cbuiltins\nset\n(cbuiltins\nrange\n(L1000000000000L\ntRtR.",
    "another encoding": b"c_codecs\nencode\n(Vabc\nVrot13\ntR.",
    "no items of a deque": b"ccollections\ndeque\n(cbuiltins\nrange\n(I5\ntRtR.",
    "no factory": b"ccollections\ndefaultdict\n(I5\ntR.",
    "no pairs": b"ccollections\nOrderedDict\n((lI1\natR.",
    "no text of a path": b"cpathlib\nPath\n((ltR.",
    "no parts of a date": b"cdatetime\ndate\n((ltR.",
    "keywords": b"\x80\x04cbuiltins\nslice\n)}\x8c\x01aK\x01s\x92.",
    "keywords of no kind": b"\x80\x04cbuiltins\nslice\n)N\x92.",
    "arguments of no kind": b"cbuiltins\nslice\nNR.",
    "an object of nothing": b"(o.",
    "an escape of no kind": b"V\\u12\n.",
    "text that is none, in a long pickle": b"\x80\x04\x8c\x02\xff\xfe" + b"N0" * 500 + b".",
    "an old object of another base": b"ccopy_reg\n_reconstructor\n"
    b"(cfractions\nFraction\nc__builtin__\nlist\nI100000\ntR.",
    "an old object of no class": b"ccopy_reg\n_reconstructor\n(I1\nI1\nNtR.",
    "a deque without end": b"ccollections\ndeque\n((lVa\ntR.",
    "a deque of something": b"ccollections\ndeque\n(I1\ntR.",
    "a date of something": b"cdatetime\ndate\n(cbuiltins\nrange\n(I5\ntRtR.",
    "a date of a function": b"cdatetime\ndate\n(cdatetime\ndate\ntR.",
    "encoded numbers": b"c_codecs\nencode\n(I1\nVlatin1\ntR.",
    "the state of a range": b"cbuiltins\nrange\n(I5\ntR}b.",
    "long keys again and again": b"}\x8b\x00\x00\x01\x00"
    + bytes(65_535)
    + b"\1q\0000"
    + b"h\0Ns" * 60_000
    + b".",
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", FORGED)
def test_what_no_pickler_writes_is_refused_with_its_place(name, reader):
    with pytest.raises(CorruptFileError, match=r"byte \d+|\d+ bytes|claims"):
        READERS[reader](FORGED[name], ["fractions"])


def test_a_bound_method_is_allowed_by_the_function_that_finds_it():
    data = plain(Point(1, 2).__eq__)

    with pytest.raises(UntrustedGlobalError, match=r"trusted=\[\.\.\., 'builtins.getattr'\]"):
        load_bytes(data, ["numpy", HERE])
    assert load_bytes(data, ["builtins.getattr", HERE])(Point(1, 2))
