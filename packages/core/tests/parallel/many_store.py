"""A store that is best read many entries at once."""

from __future__ import annotations

from typing import ClassVar

from fanfold.contracts import Store, StoreCapabilities, StoreEntry


class ManyStore(Store):
    """Entries in this process, which are best read many at once; notes how many those were."""

    name = "many"
    capabilities = StoreCapabilities(get_many=True)
    spaces: ClassVar[dict[str, dict[str, bytes]]] = {}
    asked: ClassVar[list[int]] = []

    def __init__(self, location):
        super().__init__(location)
        self.space = self.spaces.setdefault(location, {})

    def get(self, key, start=0, stop=None):
        found = self.space.get(key)
        return None if found is None else found[start:stop]

    def get_many(self, keys, start=0, stop=None):
        self.asked.append(len(keys))
        return [self.get(key, start, stop) for key in keys]

    def put(self, key, pieces):
        self.space[key] = b"".join(pieces)

    def delete(self, key):
        return self.space.pop(key, None) is not None

    def list(self, prefix=""):
        return (StoreEntry(key, 0, 0.0) for key in list(self.space) if key.startswith(prefix))
