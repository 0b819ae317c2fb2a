"""dump and load beside their peers.

::

    python benchmarks/persistence.py [--quick] [--only TEXT]

The ``limit`` is what as many bytes take at least: a plain write to a new file, a plain read into
new memory. Files are in the folder for temporary files, and are read from memory, where they are
after they were written. At the end stands the memory that a dump takes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import files
from measure import machine, options, show, table


def main() -> None:
    """Print the tables."""
    asked = options(__doc__)
    shrink, repetitions = (10, 1) if asked.quick else (1, 7)
    print(machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        show(table(files.cases(Path(folder), shrink, repetitions), asked.only))
    show(files.peaks(asked.quick, asked.only))


if __name__ == "__main__":
    main()
