"""Values as bytes, for stores and caches."""

import threading

import numpy as np
import pytest
from fanfold.errors import CorruptFileError, InvalidArgumentError
from fanfold.persistence import (
    METADATA_PREFIX,
    UnpicklableValueError,
    decode,
    dump,
    encode,
    load_path,
    read_metadata,
)

METADATA = {"seconds": 1.5, "function": "module.wörk", "parts": [1, None, {"a": True}]}


def joined(*arguments, **options):
    return b"".join(encode(*arguments, **options))


@pytest.mark.parametrize("compress", [0, "zlib", ("zstd", 5)])
@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_what_is_encoded_is_decoded_and_what_is_dumped_too(compress, wrap, tmp_path):
    value = {"array": np.arange(1000), "text": "abc"}

    data = joined(value, compress=compress)
    dump(value, tmp_path / "value", compress=compress)
    decoded = decode(wrap(data))

    np.testing.assert_array_equal(decoded["array"], value["array"])
    assert decoded["text"] == "abc"
    assert data == (tmp_path / "value").read_bytes()


def test_large_arrays_are_encoded_without_a_copy():
    array = np.zeros(100_000)

    pieces = encode([array, 1])

    assert any(np.shares_memory(np.asarray(piece), array) for piece in pieces)


def test_decoded_arrays_are_writable_and_independent_of_the_data():
    data = bytearray(joined(np.arange(10)))

    decoded = decode(data)
    data[:] = bytes(len(data))
    decoded[0] = 7

    np.testing.assert_array_equal(decoded, [7, *range(1, 10)])


def test_the_byte_order_is_kept(tmp_path):
    array = np.arange(3).astype(">i8")
    dump(array, tmp_path / "value")

    assert decode(joined(array)).dtype == array.dtype
    assert load_path(tmp_path / "value").dtype == array.dtype


def test_metadata_is_read_from_the_beginning_alone():
    data = joined([np.zeros(10_000)], compress=3, metadata=METADATA)

    assert read_metadata(data[:METADATA_PREFIX]) == METADATA
    assert read_metadata(memoryview(data)) == METADATA
    assert decode(data)[0].shape == (10_000,)


def test_metadata_may_be_missing():
    assert read_metadata(joined(1)) == {}
    assert read_metadata(joined(1, metadata={})) == {}


def test_metadata_that_just_fits_fits():
    metadata = {"a": "x" * (METADATA_PREFIX - 64 - len('{"a":""}'))}

    assert read_metadata(joined(1, metadata=metadata)[:METADATA_PREFIX]) == metadata
    with pytest.raises(InvalidArgumentError, match="shorten"):
        encode(1, metadata={"a": metadata["a"] + "x"})


@pytest.mark.parametrize("metadata", [{"a": object()}, {"a": {1, 2}}, {(1,): 2}])
def test_metadata_that_is_no_json_is_refused(metadata):
    with pytest.raises(InvalidArgumentError, match="JSON"):
        encode(1, metadata=metadata)


def test_damaged_metadata_is_refused():
    data = bytearray(joined(1, metadata=METADATA))
    data[70] ^= 1

    with pytest.raises(CorruptFileError, match="the entry is damaged in its header or metadata"):
        read_metadata(data, place="the entry")


@pytest.mark.parametrize(("text", "message"), [(b"[1]", "is a list"), (b"{", "not JSON")])
def test_metadata_of_another_form_is_refused(text, message):
    import struct

    from xxhash import xxh3_64_intdigest

    fields = struct.pack("<8sHHI40s", b"\xffanfold\n", 1, 0, len(text), b"")
    data = fields + struct.pack("<Q", xxh3_64_intdigest(fields + text)) + text

    with pytest.raises(CorruptFileError, match=message):
        read_metadata(data)


def test_functions_that_have_no_name_are_encoded_by_their_code():
    offset = 10

    decoded = decode(joined({"add": lambda x: x + offset, "array": np.arange(5)}))

    assert decoded["add"](5) == 15
    np.testing.assert_array_equal(decoded["array"], range(5))


def test_what_cannot_be_pickled_at_all_is_named():
    with pytest.raises(UnpicklableValueError, match=r"value\['locks'\]\[0\]"):
        encode({"locks": [threading.Lock()]})


def test_only_containers_are_loaded_by_load_path(tmp_path):
    import pickle

    (tmp_path / "value").write_bytes(pickle.dumps(list(range(100))))

    with pytest.raises(CorruptFileError, match="does not start with"):
        load_path(tmp_path / "value")


def test_a_compressor_that_has_gone_bad_is_named_with_the_place():
    data = bytearray(joined("abc" * 100, compress="zlib"))
    data[80] ^= 255

    with pytest.raises(CorruptFileError, match="entry 5 is damaged"):
        decode(data, place="entry 5")


def test_strided_arrays_beside_functions_are_buffers_too():
    strided = np.arange(400_000).reshape(400, 1000)[:, ::2]

    pieces = encode({"key": lambda x: x, "array": strided})

    longest = max(pieces, key=len)
    assert bytes(longest) in strided.tobytes()  # so it is not in the pickle stream
    assert len(longest) > 100_000
    np.testing.assert_array_equal(decode(joined({"array": strided}))["array"], strided)
