"""The sandbox's memory of what was asked of it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import NamedTuple


class Asked(NamedTuple):
    """One request that the sandbox saw; the status is None where it is not answered yet or the connection broke."""

    method: str
    path: str
    query: dict[str, str | list[str]]
    status: int | None


class Record:
    """Every request in order of arrival, and how many were under way at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget everything; the next request has number 1."""
        with self._lock:
            self._asked: list[Asked] = []
            self._under_way = 0
            self.peak_parallel = 0
            self.tokens_elsewhere = 0

    @property
    def asked(self) -> list[Asked]:
        """What was asked, in order of arrival."""
        with self._lock:
            return list(self._asked)

    @property
    def under_way(self) -> int:
        """How many requests are under way."""
        with self._lock:
            return self._under_way

    def begin(
        self, method: str, path: str, parameters: Iterable[tuple[str, str]], *, elsewhere: bool
    ) -> tuple[int, Asked]:
        """Note a request that arrived; return its number, counted from 1, and its note."""
        query: dict[str, str | list[str]] = {}
        token = False
        for name, value in parameters:
            if name == "access_token":
                token = True
            elif name.endswith("]"):
                query[name] = [*query.get(name, []), value]
            else:
                query[name] = value
        asked = Asked(method, path, query, None)
        with self._lock:
            self._asked.append(asked)
            self._under_way += 1
            self.peak_parallel = max(self.peak_parallel, self._under_way)
            self.tokens_elsewhere += token and elsewhere
            return len(self._asked), asked

    def end(self, number: int, asked: Asked, status: int | None) -> None:
        """Note how a request was answered, unless it was forgotten in the meantime."""
        with self._lock:
            self._under_way = max(0, self._under_way - 1)
            if number <= len(self._asked) and self._asked[number - 1] is asked:
                self._asked[number - 1] = asked._replace(status=status)
