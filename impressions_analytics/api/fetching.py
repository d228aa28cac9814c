"""A few threads that fetch bytes; the caller's thread does everything else.

The threads are daemons: a Ctrl-C ends the program at once, whatever an answer still being waited for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from impressions_analytics.errors import ApiError

Tag = TypeVar("Tag")
GRACE_SECONDS = 0.2  # idle threads end at once; one that waits for an answer must not keep a Ctrl-C waiting
LARGE_AT_ONCE = 2
"""Bodies larger than `reading.LARGE_BYTES` that may be read, or wait to be taken, at once.

With one more that the caller works on, bodies never hold more than three times `reading.MOST_BYTES` (300 MB), and
`LARGE_BYTES` for each further connection.
"""
_Work = tuple[Tag, Callable[[], bytes]]


class Fetcher(Generic[Tag]):
    """Runs up to `connections` fetches at once and hands back their bytes as they arrive.

    Examples
    --------
    >>> with Fetcher[str](2) as fetcher:
    ...     fetcher.submit("a", lambda: b"bytes")
    ...     fetcher.next()
    ('a', b'bytes')
    """

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._work: SimpleQueue[_Work[Tag] | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[Tag, bytes | BaseException, threading.Event]] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._large = threading.Semaphore(LARGE_AT_ONCE)
        self._mine = threading.local()
        self._over = False
        self.under_way = 0

    def __enter__(self) -> Fetcher[Tag]:
        return self

    def __exit__(self, *_: object) -> None:
        """Drop what waits, and let each thread end after the answer that it is waiting for."""
        while True:
            try:
                self._work.get_nowait()
            except Empty:
                break
        self._over = True
        for _thread in self._threads:
            self._work.put(None)
            self._large.release()
        patience = time.monotonic() + GRACE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, patience - time.monotonic()))

    @property
    def has_room(self) -> bool:
        """Whether another fetch keeps the threads busy; more would only fill memory with bytes not yet read."""
        return self.under_way < 2 * self._connections

    def submit(self, tag: Tag, fetch: Callable[[], bytes]) -> None:
        """Have a fetch done; `next` gives its bytes back with the tag."""
        if len(self._threads) < self._connections and self.under_way >= len(self._threads):
            thread = threading.Thread(target=self._run, name="impressions-fetch", daemon=True)
            self._threads.append(thread)
            thread.start()
        self.under_way += 1
        self._work.put((tag, fetch))

    def next(self) -> tuple[Tag, bytes | BaseException]:
        """Return the next bytes that arrived, or what their fetch raised."""
        self.under_way -= 1
        tag, outcome, taken = self._done.get()
        taken.set()
        return tag, outcome

    def before_large(self) -> None:
        """Wait, in a thread of this fetcher, until there is room for a large body."""
        if not getattr(self._mine, "large", False):
            self._large.acquire()
            self._mine.large = True
        if self._over:
            raise ApiError("the load was stopped")

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            tag, fetch = work
            taken = threading.Event()
            try:
                self._done.put((tag, fetch(), taken))
            except BaseException as problem:  # noqa: BLE001 -- for the caller's thread to raise
                self._done.put((tag, problem, taken))
            if getattr(self._mine, "large", False):
                while not (self._over or taken.wait(GRACE_SECONDS)):
                    pass
                self._mine.large = False
                self._large.release()
