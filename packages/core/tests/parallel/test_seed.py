"""Streams of random numbers: each task has its own, whatever runs it."""

import os
import random
import threading

import pytest
from fanfold import Parallel, delayed, parallel_config, task_random, task_rng

np = pytest.importorskip("numpy")


def draw(n=2):
    return task_rng().random(n).tolist(), [task_random().random() for _ in range(n)]


def draw_global():
    return random.random(), np.random.rand()


def draw_nested(backend):
    run = Parallel(n_jobs=2, backend=backend)
    return draw(), run(delayed(draw)() for _ in range(2)), run([delayed(draw)()])


def streams(seed, n_tasks, n=2):
    children = np.random.SeedSequence(seed).spawn(n_tasks)
    return [np.random.default_rng(each).random(n).tolist() for each in children]


class TestStreams:
    @pytest.mark.parametrize("n_jobs", [1, 2, 3])
    @pytest.mark.parametrize("batch_size", [1, 3, "auto"])
    def test_they_are_those_that_numpy_spawns(self, backend, n_jobs, batch_size):
        run = Parallel(n_jobs=n_jobs, backend=backend, batch_size=batch_size, seed=42)
        assert [rng for rng, _ in run(delayed(draw)() for _ in range(7))] == streams(42, 7)

    def test_those_without_numpy_are_the_same_everywhere(self):
        found = {
            tuple(
                Parallel(n_jobs=2, backend=backend, seed=7)(
                    delayed(lambda: task_random().random())() for _ in range(5)
                )
            )
            for backend in ("processes", "threads", "sequential")
        }
        assert len(found) == 1
        assert len(set(*found)) == 5

    def test_generators_draw_the_same(self, backend):
        run = Parallel(n_jobs=2, backend=backend, return_as="generator", seed=42)
        assert [rng for rng, _ in run(delayed(draw)() for _ in range(5))] == streams(42, 5)

    def test_a_stream_goes_on_within_its_task(self, backend):
        def draw_twice():
            return [*draw(1)[0], *draw(1)[0]]

        assert Parallel(n_jobs=2, backend=backend, seed=1)([delayed(draw_twice)()]) == streams(1, 1)

    def test_each_call_draws_the_same(self, backend):
        run = Parallel(n_jobs=2, backend=backend, seed=1)
        assert run([delayed(draw)()]) == run([delayed(draw)()])

    def test_seeds_differ(self, backend):
        one, two = (Parallel(backend=backend, seed=seed)([delayed(draw)()]) for seed in (1, 2))
        assert one != two

    def test_a_seed_may_be_long(self):
        seed = 2**200 + 1
        [(rng, _)] = Parallel(seed=seed)([delayed(draw)()])
        assert [rng] == streams(seed, 1)


class TestNestedCalls:
    @pytest.mark.parametrize("inner", ["threads", "sequential"])
    def test_they_derive_theirs_from_the_task(self, backend, inner):
        run = Parallel(n_jobs=2, backend=backend, seed=42)
        reference = Parallel(n_jobs=1, seed=42)(delayed(draw_nested)("sequential") for _ in "ab")
        assert run(delayed(draw_nested)(inner) for _ in "ab") == reference

    def test_all_streams_differ(self):
        found = Parallel(n_jobs=1, seed=42)(delayed(draw_nested)("sequential") for _ in "ab")
        flat = [each[0][0] for own, two, one in found for each in (own, *two, *one)]
        assert len(set(flat)) == len(flat) == 8

    def test_they_may_have_a_seed_of_their_own(self, backend):
        def nest():
            return [rng for rng, _ in Parallel(seed=5)([delayed(draw)()])]

        assert Parallel(n_jobs=2, backend=backend, seed=42)([delayed(nest)()]) == [streams(5, 1)]

    def test_they_may_have_none(self, backend):
        def nest():
            return Parallel(n_jobs=2, backend="threads", seed=None)([delayed(task_rng)()])

        with pytest.raises(ValueError, match="outside of a task that has a seed"):
            Parallel(n_jobs=2, backend=backend, seed=42)([delayed(nest)()])


class TestConfiguration:
    def test_each_call_has_a_seed_of_its_own(self, backend):
        first, second = np.random.SeedSequence(42).spawn(2)
        with parallel_config(seed=42):
            run = Parallel(n_jobs=2, backend=backend)
            found = [run([delayed(draw)()])[0][0] for _ in range(2)]
        expected = [np.random.default_rng(seed.spawn(1)[0]) for seed in (first, second)]
        assert found == [rng.random(2).tolist() for rng in expected]

    def test_it_ends_with_the_block(self):
        with parallel_config(seed=42):
            pass
        with pytest.raises(ValueError, match="outside of a task"):
            Parallel()([delayed(task_rng)()])

    def test_an_inner_block_may_take_it_back(self):
        with (
            parallel_config(seed=42),
            parallel_config(seed=None),
            pytest.raises(ValueError, match="outside of a task"),
        ):
            Parallel()([delayed(task_rng)()])

    def test_the_call_goes_before_it(self):
        with parallel_config(seed=42):
            assert [rng for rng, _ in Parallel(seed=5)([delayed(draw)()])] == streams(5, 1)

    def test_a_block_is_no_task(self):
        with parallel_config(seed=42):
            for generator in (task_rng, task_random):
                with pytest.raises(ValueError, match=f"{generator.__name__}.. was called outside"):
                    generator()


class TestGlobalGenerators:
    @pytest.mark.parametrize("backend", ["processes", "sequential"])
    def test_they_are_seeded_for_each_task(self, backend):
        reference = Parallel(n_jobs=1, seed=42)(delayed(draw_global)() for _ in range(4))
        run = Parallel(n_jobs=2, backend=backend, batch_size=2, seed=42)
        assert run(delayed(draw_global)() for _ in range(4)) == reference
        assert len(set(reference)) == 4

    def test_a_task_that_imports_them_itself_draws_the_same(self, run_script):
        # The first task on each worker is the one that imports.
        done = run_script(
            """
from fanfold import Parallel, delayed

def draw():
    import random, numpy
    return random.random(), numpy.random.rand()

if __name__ == "__main__":
    for n_jobs in (1, 2, 3):
        print(Parallel(n_jobs=n_jobs, batch_size=1, seed=3)(delayed(draw)() for _ in range(6)))
"""
        )
        assert len(set(done.stdout.splitlines())) == 1

    def test_the_callers_are_put_back(self):
        random.seed(1), np.random.seed(1)
        before = draw_global()
        random.seed(1), np.random.seed(1)
        Parallel(n_jobs=1, seed=42)(delayed(draw_global)() for _ in range(4))
        assert draw_global() == before

    def test_they_are_put_back_when_a_task_fails(self):
        random.seed(1)
        before = random.random()
        random.seed(1)
        with pytest.raises(ZeroDivisionError):
            Parallel(n_jobs=1, seed=42)([delayed(divmod)(1, 0)])
        assert random.random() == before

    def test_the_input_is_drawn_from_the_callers(self):
        random.seed(1)
        expected = [random.random() for _ in range(4)]
        random.seed(1)
        run = Parallel(n_jobs=1, seed=42)
        assert run(delayed(abs)(random.random()) for _ in range(4)) == expected

    def test_a_worker_puts_its_own_back(self):
        run = Parallel(n_jobs=2, seed=42)
        run(delayed(draw_global)() for _ in range(4))
        unseeded = [Parallel(n_jobs=2)(delayed(draw_global)() for _ in range(4))]
        run(delayed(draw_global)() for _ in range(4))
        unseeded.append(Parallel(n_jobs=2)(delayed(draw_global)() for _ in range(4)))
        assert len({numbers for call in unseeded for numbers in call}) == 8

    def test_threads_leave_them_alone(self):
        random.seed(1)
        before = random.random()
        random.seed(1)
        Parallel(n_jobs=2, backend="threads", seed=42)(delayed(os.getpid)() for _ in range(4))
        assert random.random() == before


class TestErrors:
    @pytest.mark.parametrize("wrong", [-1, 1.5, "42", True, (1, 2)])
    def test_a_wrong_seed_is_named(self, wrong):
        with pytest.raises(ValueError, match="seed="):
            Parallel(seed=wrong)
        with pytest.raises(ValueError, match="seed="):
            parallel_config(seed=wrong)

    def test_a_wrong_seed_leaves_the_configuration_as_it_is(self):
        with pytest.raises(ValueError, match="seed="):
            parallel_config(n_jobs=7, seed=-1)
        assert Parallel().n_jobs == 1

    @pytest.mark.parametrize("generator", [task_rng, task_random])
    def test_outside_of_a_task_there_is_no_stream(self, generator):
        with pytest.raises(ValueError, match=f"{generator.__name__}.. was called outside"):
            generator()

    def test_a_task_without_seed_has_none(self, backend):
        with pytest.raises(ValueError, match="outside of a task that has a seed"):
            Parallel(n_jobs=2, backend=backend)([delayed(task_rng)()])

    def test_a_thread_that_a_task_starts_has_none(self):
        def start():
            found = []
            thread = threading.Thread(target=lambda: found.append(_what_it_raises(task_rng)))
            thread.start()
            thread.join()
            return found

        assert Parallel(seed=1)([delayed(start)()]) == [["InvalidArgumentError"]]

    def test_numpy_may_be_missing(self, run_script):
        done = run_script(
            """
import sys
sys.modules["numpy"] = None
from fanfold import Parallel, delayed, task_random, task_rng
from fanfold.errors import MissingExtraError
print(Parallel(seed=1)([delayed(lambda: task_random().random())()]))
try:
    Parallel(seed=1)([delayed(task_rng)()])
except MissingExtraError as error:
    print(error)
"""
        )
        [numbers, message] = done.stdout.splitlines()
        expected = Parallel(seed=1)([delayed(lambda: task_random().random())()])
        assert numbers == str(expected)
        assert "not installed: install numpy, or use task_random()" in message


def _what_it_raises(function):
    try:
        function()
    except Exception as error:
        return type(error).__name__
    return None
