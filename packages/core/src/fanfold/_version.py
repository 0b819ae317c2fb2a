"""The version of the distribution; its metadata is built from here."""

__version__ = "0.1.0"
