"""The command line: ``fanfold COMMAND``; each command is a module of its own here."""

from ._main import main

__all__ = ["main"]
