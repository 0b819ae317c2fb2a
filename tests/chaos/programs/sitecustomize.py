"""Lets every process that a program starts be asked for its stacks, by SIGUSR2.

Python imports this at the start of an interpreter, because this folder is on its path.
"""

from __future__ import annotations

import faulthandler
import os
import signal

folder = os.environ.get("CHAOS_STACKS")
if folder is not None:
    stacks = os.open(os.path.join(folder, str(os.getpid())), os.O_WRONLY | os.O_CREAT)
    faulthandler.register(signal.SIGUSR2, file=stacks, all_threads=True)
