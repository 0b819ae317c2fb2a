"""Results that are kept: ``Memory``, the functions that it caches, and references to results."""

from ._async_function import AsyncMemorizedFunc
from ._counting import CacheStats
from ._expiry import expires_after
from ._explaining import Change, Explanation
from ._function import MemorizedFunc
from ._looking import CacheEntry
from ._memory import Memory, register_store_backend
from ._result import MemorizedResult, NotMemorizedResult
from ._uncached import AsyncNotMemorizedFunc, NotMemorizedFunc

__all__ = [
    "AsyncMemorizedFunc",
    "AsyncNotMemorizedFunc",
    "CacheEntry",
    "CacheStats",
    "Change",
    "Explanation",
    "MemorizedFunc",
    "MemorizedResult",
    "Memory",
    "NotMemorizedFunc",
    "NotMemorizedResult",
    "expires_after",
    "register_store_backend",
]
