"""What code written for joblib imports, and what has no place of its own here."""

from ._wrapping import wrap_non_picklable_objects

__all__ = ["wrap_non_picklable_objects"]
