"""Shared memory is short: large arrays take another way, and somebody is told."""

import gc
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from fanfold import Parallel, delayed
from fanfold.backends.processes import ProcessesBackend
from fanfold.backends.processes.stock import stock
from fanfold.errors import InvalidArgumentError


def total(array):
    return float(array.sum())


def make(value, n=300_000):
    return np.full(n, float(value))


def run(code, **environment):
    """Run a program in an interpreter of its own and return what it printed."""
    completed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    return completed.stdout + completed.stderr


SUMS = """
    import numpy as np
    from fanfold import Parallel, delayed
    for _ in range(2):
        tasks = (delayed(np.negative)(np.full(300_000, i)) for i in range(20))
        print([int(a[-1]) for a in Parallel(2)(tasks)] == [-i for i in range(20)])
"""


class TestLimits:
    @pytest.mark.parametrize("budget", ["0", "1M", "20M", "1G"])
    @pytest.mark.parametrize("n", ["30_000", "300_000"])
    def test_beyond_the_budget_arrays_go_through_sockets(self, budget, n):
        program = SUMS.replace("300_000", n).replace(
            "Parallel(2)", "Parallel(2, max_nbytes=100_000)"
        )
        assert run(program, FANFOLD_SHM_BUDGET=budget) == "True\nTrue\n"

    def test_memory_that_is_free_but_too_small_counts_no_more(self):
        output = run(
            """
            import logging; logging.basicConfig(level=logging.INFO)
            import numpy as np
            from fanfold import Parallel, delayed
            for n in (300_000, 1_000_000):  # 2.4 and 8 MB, of 10 for this process
                print([int(Parallel(2)([delayed(np.sum)(np.ones(n))])[0]) for _ in range(2)])
            """,
            FANFOLD_SHM_BUDGET="20M",
        )
        assert output == "[300000, 300000]\n[1000000, 1000000]\n"

    def test_beyond_so_many_pieces_arrays_go_through_sockets(self):
        output = run(
            """
            import logging; logging.basicConfig(level=logging.INFO)
            import numpy as np
            from fanfold import Parallel, delayed
            arrays = [np.zeros(131_073) for _ in range(257)]  # each more than 1 MiB
            print(Parallel(2)([delayed(len)(arrays)]))
            """
        )
        assert output.count("256 segments of it are in use") == 1
        assert "[257]\n" in output

    @pytest.mark.parametrize("n", [100_000, 1_000_000], ids=["shared segment", "its own"])
    def test_memory_that_cannot_be_filled_any_more_is_told_once(self, n):
        output = run(
            f"""
            import resource
            import numpy as np
            from fanfold import Parallel, delayed
            def sums():
                arrays = [np.full({n}, i) for i in range(8)]
                print([int(sum) // {n} for sum in Parallel(2, max_nbytes=1000)(
                    delayed(np.sum)(array) for array in arrays)])
            sums()
            resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
            sums()
            sums()
            """
        )
        assert output.count("[0, 1, 2, 3, 4, 5, 6, 7]\n") == 3, output
        assert output.count("FanfoldWarning: large arrays") == 1
        assert "File too large" in output

    def test_beyond_the_budget_is_logged(self):
        program = "import logging; logging.basicConfig(level=logging.INFO)\n"
        output = run(program + textwrap.dedent(SUMS), FANFOLD_SHM_BUDGET="0")
        assert "INFO:fanfold:large arrays do not all go through shared memory" in output

    def test_a_budget_that_is_no_size_is_an_error(self, monkeypatch):
        monkeypatch.setenv("FANFOLD_SHM_BUDGET", "a lot")
        monkeypatch.setattr(stock, "known_segments", None)
        with pytest.raises(InvalidArgumentError, match="FANFOLD_SHM_BUDGET='a lot'"):
            Parallel(2)([delayed(total)(make(1))])

    def test_where_the_system_has_no_more_memory_arrays_go_through_sockets(self):
        output = run(
            """
            import resource
            resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
            """
            + textwrap.dedent(SUMS).replace("300_000", "1_000_000").replace("\n", "\n            ")
        )
        assert output.count("True\n") == 2, output
        assert 1 <= output.count("FanfoldWarning: large arrays") <= 3  # once here, and in workers
        assert "File too large" in output

    @pytest.mark.parametrize("where", ["-Werror", "-Wignore"])
    def test_a_worker_that_must_not_warn_goes_on(self, where):
        code = textwrap.dedent(
            """
            import resource
            import numpy as np
            from fanfold import Parallel, delayed
            results = Parallel(2)(delayed(np.ones)(1_000_000) for _ in range(4))
            resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
            def limit():
                resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
                return np.ones(3_000_000)
            print([float(a.sum()) for a in Parallel(2)(delayed(limit)() for _ in range(4))])
            """
        )
        completed = subprocess.run(
            [sys.executable, where, "-c", code], capture_output=True, text=True, check=False
        )
        assert completed.stdout == "[3000000.0, 3000000.0, 3000000.0, 3000000.0]\n"

    def test_memory_that_nobody_uses_is_given_back_on_close(self):
        Parallel(2)(delayed(total)(make(i)) for i in range(8))
        ProcessesBackend().close()
        gc.collect()
        assert stock.segments._free == []
