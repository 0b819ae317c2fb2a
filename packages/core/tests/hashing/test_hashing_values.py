"""`hash`: equal values have one hash, whatever they are; different values do not."""

import collections
import copy
import copyreg
import datetime
import enum
import functools
import math
import operator
import pathlib
import re
import subprocess
import sys
import threading
import zoneinfo
from array import array
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType, SimpleNamespace

import pytest
from fanfold.errors import InvalidArgumentError, UnhashableValueError
from fanfold.hashing import hash, register_hasher


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1


class Word(str):
    """Text with room for attributes."""


class Numbers(list):
    """A list with room for attributes."""


class Bag(set):
    """A set with room for attributes."""


class OrderedBag(collections.OrderedDict):
    """A subclass, which goes the way of any other object."""


Point = collections.namedtuple("Point", "x y")


@dataclass
class Settings:
    name: str
    sizes: list = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Compact:
    x: int
    y: int = 0


class Holder:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def method(self):
        return self


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a):
        self.a = a


def module_function(x):
    return x


DIFFERENT = [
    *(None, ..., NotImplemented, 0, 1, -1, 2**40, 2**200, 0.0, -0.0, 1.0, True, False, 1j, 1 + 0j),
    *(math.nan, math.inf, "1", b"1", bytearray(b"1"), memoryview(b"1"), "", b"", Word("1")),
    *([], (), {}, set(), frozenset(), [1], (1,), {1}, frozenset({1}), {1: 1}, [[1]], ((1,),)),
    *([1.0], [True], ["1"], [b"1"], [None], [...], [1, 1], [[1], [1]], [[1, 1]], [(1,)], [1j]),
    *({"a": 1}, {"a": 1.0}, {"a": "1"}, {"b": 1}, {b"a": 1}, {("a",): 1}, {1: "a"}, {1.0: "a"}),
    *({"a": [1]}, {"a": (1,)}, {"a": {"b": 1}}, {"a": 1, "b": [1]}, {None: 1}, {True: 1}),
    *({"a", "b"}, {1.5}, {1, "a"}, {(1,)}, {frozenset({1})}, {b"a"}, {"ab"}),
    *(Numbers([1]), Bag({1}), OrderedBag(a=1), Point(1, 2), Point(2, 1), Level.LOW, Colour.RED),
    *(Colour.BLUE, int, str, Colour, Point, Holder, len, sum, "a".upper, "b".upper, str.upper),
    *(module_function, lambda: 1, lambda: 2, math, operator, math.sin, math.cos),
    *(functools.partial(module_function, 1), functools.partial(module_function, x=1)),
    *(Holder(a=1), Holder(a=1.0), Holder(b=1), Slotted(1), Slotted(2), Compact(1), Compact(2)),
    *(Holder(a=1).method, Holder(a=2).method, Settings("a"), Settings("a", [1]), object()),
    *(SimpleNamespace(a=1), MappingProxyType({"a": 1}), slice(1), slice(1, None)),
    *(range(3), range(0, 3, 2), range(4), array("i", [1]), array("d", [1]), array("i", [2])),
    *(collections.deque([1]), collections.deque([1], 5), collections.Counter("a")),
    *(collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)),
    *(collections.defaultdict(int, a=1), collections.defaultdict(list, a=1)),
    *(datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2), datetime.time(1, 2)),
    datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC),
    datetime.datetime(2020, 1, 2, tzinfo=zoneinfo.ZoneInfo("UTC")),
    datetime.datetime(2020, 1, 2, fold=1),
    *(datetime.timedelta(1), datetime.timedelta(seconds=1), zoneinfo.ZoneInfo("UTC")),
    *(Decimal("1.0"), Decimal("1.00"), Decimal("NaN"), Fraction(1, 2), Fraction(1)),
    *(pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a"), pathlib.PurePosixPath("b")),
    *(re.compile("a"), re.compile("a", re.IGNORECASE), re.compile(b"a"), list[int], list[str]),
    *(ValueError("a"), ValueError("b"), KeyError("a"), b"1" * 70_000, b"2" * 70_000),
]


def test_different_values_have_different_hashes():
    hashes = [hash(value) for value in DIFFERENT]

    counts = collections.Counter(hashes)
    assert [value for value, key in zip(DIFFERENT, hashes, strict=True) if counts[key] > 1] == []


@pytest.mark.parametrize("value", DIFFERENT, ids=lambda value: type(value).__name__)
def test_wrapping_a_value_gives_a_hash_of_its_own(value):
    hashes = {hash(value), hash([value]), hash((value,)), hash({"k": value}), hash([[value]])}

    assert len(hashes) == 5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a", "b", "c"}, {"c", "b", "a"}),
        ({1, "a", None, 2.5, (1, 2)}, {(1, 2), 2.5, None, "a", 1}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1: "a", 2: [1]}, {2: [1], 1: "a"}),
        ({1: "a", "b": 2, None: 3}, {None: 3, "b": 2, 1: "a"}),
        ({frozenset({"a", "b"}): {"x": 1, "y": 2}}, {frozenset({"b", "a"}): {"y": 2, "x": 1}}),
        (math.nan, -math.nan),
        (math.nan, math.inf - math.inf),
        ([1.5, math.nan], [1.5, -math.nan]),
        ((1, "a", math.nan), (1, "a", -math.nan)),
        ([math.inf, -math.inf], [math.inf, -math.inf]),
        ({"a": math.nan}, {"a": -math.nan}),
        ({math.nan: [1]}, {-math.nan: [1]}),
        (complex(math.nan, 1), complex(-math.nan, 1)),
        (collections.Counter("ab"), collections.Counter("ba")),
        (collections.defaultdict(int, a=1, b=2), collections.defaultdict(int, b=2, a=1)),
        (Bag("abc"), Bag("cba")),
        (MappingProxyType({"a": 1, "b": 2}), MappingProxyType({"b": 2, "a": 1})),
        (memoryview(bytes(range(10)))[::2], memoryview(bytes(range(0, 10, 2)))),
        (functools.partial(max, key=len, default=0), functools.partial(max, default=0, key=len)),
        (re.compile("equal"), re.compile("eq" + "ual")),
        (pathlib.Path("a/b"), pathlib.Path("a") / "b"),
    ],
)
def test_equal_values_have_equal_hashes(one, other):
    assert hash(one) == hash(other)


def test_identity_and_interning_do_not_count():
    shared = [1.5]
    text = "not interned "

    assert hash([shared, shared]) == hash([[1.5], [1.5]])
    assert hash([text * 2, text * 2]) == hash(["".join([text, text]), text * 2])
    assert hash([Settings("a", shared), shared]) == hash([Settings("a", [1.5]), [1.5]])


def test_attributes_of_subclasses_of_built_in_types_count():
    loud, quiet = Word("a"), Word("a")
    loud.volume = 11

    assert hash(loud) != hash(quiet)


def test_long_bytes_count_in_full():
    data = bytes(100_000)

    assert hash([data]) != hash([data[:-1] + b"x"])


def test_an_object_that_is_met_often_is_hashed_once():
    def tree(depth):
        top = []
        for _ in range(depth):  # 2**depth leaves, if each way to them were followed
            top = [top, top]
        return top

    assert len({hash(tree(100)), hash(tree(100)), hash(tree(101))}) == 2


def test_a_structure_that_contains_itself_is_hashed_by_what_one_sees():
    one, other, longer = [1], [2], [1]
    one.append(one)
    other.append(other)
    longer.append([1, longer])  # 1, 1, 1 ... just as `one`

    assert hash(one) == hash(copy.deepcopy(one))
    assert hash(one) != hash(other)
    assert hash(one) == hash(longer)


@pytest.mark.parametrize("place", range(0, 30, 7))
def test_in_a_long_ring_every_member_counts(place):
    def ring(odd=None):
        nodes = [Holder(name=number) for number in range(30)]
        for node, following in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
            node.next = following
        if odd is not None:
            nodes[odd].extra = [1]
        return nodes[0]

    assert hash(ring()) == hash(ring())
    assert hash(ring(place)) != hash(ring())
    assert hash(ring(place)) != hash(ring(place + 1))


def test_objects_that_all_know_each_other_are_hashed_in_reasonable_time():
    def clique(odd):
        people = [Holder(name=str(number)) for number in range(20)]
        for person in people:
            person.friends = people
            person.by_name = {friend.name: friend for friend in people}
        people[7].name += odd
        return people

    assert hash(clique("")) == hash(clique(""))
    assert hash(clique("")) != hash(clique("x"))


def test_cycles_through_sets_do_not_depend_on_their_order():
    def ring(names):
        nodes = {name: Holder(name=name) for name in names}
        for node in nodes.values():
            node.others = set(nodes.values())
        return nodes["a"]

    assert hash(ring("abc")) == hash(ring("cba"))


@pytest.mark.parametrize("hash_name", ["xxh3_128", "xxh3_64", "md5", "sha1", "sha256", "blake2b"])
def test_every_hash_name_gives_a_stable_hash_of_its_length(hash_name):
    digits = {"xxh3_128": 32, "xxh3_64": 16, "md5": 32, "sha1": 40, "sha256": 64, "blake2b": 128}
    value = {"a": [1, 2.5, {"b"}], "c": b"x" * 70_000}

    digest = hash(value, hash_name=hash_name)

    assert re.fullmatch(f"[0-9a-f]{{{digits[hash_name]}}}", digest)
    assert hash({"c": b"x" * 70_000, "a": [1, 2.5, {"b"}]}, hash_name=hash_name) == digest


def test_an_unknown_hash_name_is_refused_with_the_known_ones():
    with pytest.raises(
        InvalidArgumentError, match="'crc32' is not known; expected one of xxh3_128"
    ):
        hash(1, hash_name="crc32")


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (threading.Lock(), "obj is a '_thread.lock'"),
        ([1, threading.Lock()], "obj[1] is a '_thread.lock'"),
        ({"a": (threading.Lock(),)}, "obj['a'][0] is a '_thread.lock'"),
        ({threading.Lock(): 1}, "a key of obj is a '_thread.lock'"),
        ({threading.Lock()}, "a member of obj is a '_thread.lock'"),
        (Holder(model=Holder(_lock=threading.Lock())), "obj.model._lock is a '_thread.lock'"),
        (Compact(threading.Lock()), "obj.x is a '_thread.lock'"),
        (Slotted([threading.Lock()]), "obj.a[0] is a '_thread.lock'"),
        (Numbers([threading.Lock()]), "obj[0] is a '_thread.lock'"),
        (OrderedBag(a=threading.Lock()), "is a '_thread.lock'"),
        (functools.partial(print, file=sys.__stdout__), "obj.keywords['file'] is a '_io.TextIO"),
        (Exception(threading.Lock()), "what rebuilds obj[0] is a '_thread.lock'"),
        ((number for number in "1"), "obj is a 'builtins.generator'"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_has_no_value_is_refused_with_its_place(value, place):
    with pytest.raises(UnhashableValueError) as refusal:
        hash(value)

    assert place in str(refusal.value)
    assert "register_hasher" in str(refusal.value)
    assert isinstance(refusal.value.__cause__, TypeError)


def test_a_lock_inside_a_cycle_is_found_too():
    ring = Holder(lock=threading.Lock())
    ring.itself = ring

    with pytest.raises(UnhashableValueError, match=r"obj\.lock is a '_thread\.lock'"):
        hash(ring)


def chain(n_links, end=None):
    first = last = Holder()
    for _ in range(n_links):
        last.next = last = Holder()
    last.next = end
    return first


def test_values_may_be_nested_beyond_the_recursion_limit():
    def nested(innermost):
        for _ in range(20_000):
            innermost = [innermost]
        return innermost

    assert hash(nested([1])) == hash(nested([1])) != hash(nested([2]))
    assert hash(chain(3_000)) == hash(chain(3_000)) != hash(chain(3_001))


def test_what_has_no_value_is_found_beyond_the_recursion_limit():
    with pytest.raises(UnhashableValueError, match=r"obj(\.next){502} is a '_thread\.lock'"):
        hash(chain(501, threading.Lock()))


def test_a_ring_of_objects_may_be_longer_than_the_interpreter_could_follow():
    def ring(n_links, name=""):
        first = chain(n_links)
        last = first
        while last.next:
            last = last.next
        last.next, last.name = first, name
        return chain(37, first)

    assert hash(ring(150)) == hash(ring(150)) != hash(ring(150, "other"))


def test_an_object_that_never_ends_telling_its_state_is_refused():
    class Endless:
        def __reduce__(self):
            return self.__reduce__()

    with pytest.raises(UnhashableValueError, match="nested too deeply"):
        hash([Endless()])


def test_arguments_of_new_instances_count():
    class Named:
        def __new__(cls, *, name):
            return super().__new__(cls)

        def __init__(self, *, name):
            self._shown = name.title()

        def __getnewargs_ex__(self):
            return (), {"name": self._shown.lower()}

        def __getstate__(self):
            return None

    assert hash(Named(name="a")) == hash(Named(name="a"))
    assert hash(Named(name="a")) != hash(Named(name="b"))


def test_a_class_has_one_name_in_a_script_and_its_workers():
    def instance_of_class_in(module):
        return type("Model", (), {"__module__": module})()

    assert hash(instance_of_class_in("__mp_main__")) == hash(instance_of_class_in("__main__"))
    assert hash(instance_of_class_in(None)) != hash(instance_of_class_in("__main__"))


def test_a_time_zone_without_a_name_is_refused(tmp_path):
    with open(zoneinfo.TZPATH[0] + "/UTC", "rb") as file:
        zone = zoneinfo.ZoneInfo.from_file(file)

    with pytest.raises(UnhashableValueError, match="read from a file has no name"):
        hash(zone)


def test_a_registered_hasher_says_what_counts():
    class Model:
        def __init__(self, weights):
            self.weights = weights
            self.lock = threading.Lock()

    class Other(Model):
        pass

    register_hasher(Model, lambda model: model.weights)

    assert hash(Model([1])) == hash(Model([1]))
    assert hash(Model([1])) != hash(Model([2]))
    assert hash(Model([1])) != hash([1])
    assert hash(Model([1])) != hash(Other([1]))


def test_a_later_registration_takes_the_place_of_an_earlier_one():
    class Model:
        pass

    register_hasher(Model, lambda _: 1)
    before = hash(Model())

    register_hasher(Model, lambda _: 2)

    assert hash(Model()) != before


def test_a_hasher_can_be_registered_by_name_and_for_the_exact_type_only():
    class Model:
        lock = None

    class Other(Model):
        def __init__(self):
            self.lock = threading.Lock()

    name = f"{__name__}.{Model.__qualname__}"
    register_hasher(name, lambda _: "by name", subclasses=False)

    assert hash(Model()) == hash(Model())
    with pytest.raises(UnhashableValueError, match=r"obj\.lock"):
        hash(Other())


def test_a_hasher_may_refuse_an_object():
    class Model:
        pass

    def refuse(model):
        raise UnhashableValueError("it has not been fitted")

    register_hasher(Model, refuse)

    with pytest.raises(UnhashableValueError, match=r"obj\[0\] is a .* it has not been fitted"):
        hash([Model()])


def test_what_a_hasher_returns_may_need_hashers_itself():
    class Tree:
        def __init__(self, *branches):
            self.branches = branches

    register_hasher(Tree, lambda tree: list(tree.branches))

    assert hash(Tree(Tree(), Tree(Tree()))) == hash(Tree(Tree(), Tree(Tree())))
    assert hash(Tree(Tree(), Tree(Tree()))) != hash(Tree(Tree(Tree()), Tree()))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((dict, list), "the hash of 'dict' is fixed"),
        (("Model", list), "needs the name with its module"),
        (("package.Model", None), "needs a function"),
    ],
)
def test_registrations_that_cannot_work_are_refused(arguments, complaint):
    with pytest.raises(InvalidArgumentError, match=complaint):
        register_hasher(*arguments)


def test_importing_the_package_imports_nothing_heavy():
    program = (
        "import sys; before = set(sys.modules);"
        "import fanfold.hashing; fanfold.hashing.hash([1, {'a'}]);"
        "print(sorted({'numpy', 'pandas', 'inspect', 'dataclasses', 'hashlib', 'asyncio',"
        "'multiprocessing', 'importlib.metadata', 'pluggy'} & (sys.modules.keys() - before)))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == "[]"


def test_exceptions_do_not_depend_on_who_registers_how_to_pickle_them(monkeypatch):
    error = ValueError("same")
    before = hash(error)

    monkeypatch.setitem(
        copyreg.dispatch_table, ValueError, lambda error: (str, ("something else",))
    )

    assert hash(error) == before
