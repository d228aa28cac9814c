"""Keep the writers of other machines out of an archive in an object store: one small object there says who writes.

No two clocks are compared. Whoever finds the object held watches it: a living writer renews it, and a writer that does
not for `DEAD_SECONDS` loses its right. Every change is a conditional write: of two who try one wins. A writer that was
stopped for so long asks again before its next write, and replaces a file only if nobody else did meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from impressions_analytics.errors import ArchiveBusyError

if TYPE_CHECKING:
    from pathlib import Path

    from impressions_analytics.archive.conditional import ConditionalStore

WRITER = ".writer.json"
RENEW_SECONDS = 10.0
"""How often a writer says that it lives."""

ASK_SECONDS = 25.0
"""A writer that has not renewed for so long does so before it writes; less than `DEAD_SECONDS`."""

DEAD_SECONDS = 45.0
"""A writer that has not renewed for so long is taken for dead."""

LOOK_SECONDS = 1.0


class WriterLease:
    """The right to write to an archive, as long as it is renewed.

    Parameters
    ----------
    store : ConditionalStore
        Where the archive is.
    name : str
        What to call the archive in messages.
    """

    def __init__(self, store: ConditionalStore, name: str) -> None:
        self._store, self._name = store, name
        self._id, self._renewals = secrets.token_hex(8), 0
        self._tag = ""
        self._renewed_at = 0.0
        self._lost = False
        self._guard, self._end = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._renew_for_ever, daemon=True, name="archive-writer-lease")

    def acquire(self) -> None:
        """Take the right to write, and keep it.

        Raises
        ------
        ArchiveBusyError
            Another machine is writing to the archive.
        """
        self._renewed_at = _now()
        there = self._let_go()
        tag = self._store.put(WRITER, self._said(self._id), there[1] if there else None)
        if tag is None and (tag := self._mine()) is None:
            raise self._busy()
        self._tag = tag
        self._thread.start()

    def _let_go(self) -> tuple[bytes, str] | None:
        """Return what is there once no living writer holds it: at once, or when the one that does has died."""
        there = self._store.read(WRITER)
        until = _now() + DEAD_SECONDS
        found = there
        while found is not None and _writer(found[0]) is not None and _now() < until:
            if found != there:
                raise self._busy()
            time.sleep(LOOK_SECONDS)
            found = self._store.read(WRITER)
        return found

    def check(self) -> None:
        """Make sure, before a write, that nobody else has the right to write.

        Raises
        ------
        ArchiveBusyError
            This process was stopped for so long that another machine took over.
        """
        if self._lost or _now() - self._renewed_at > ASK_SECONDS:
            self._renew()

    def put(self, relative: str, file: Path) -> None:
        """Put a file in place, if nobody else put one there since now.

        Raises
        ------
        ArchiveBusyError
            Somebody did, or has the right to write.
        """
        tag = self._store.tag(relative)
        self.check()
        if self._store.put(relative, file, tag) is None:
            raise self._busy()

    def release(self) -> None:
        """Let the next writer in at once."""
        self._end.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            if not self._lost:
                self._store.put(WRITER, self._said(None), self._tag)

    def _renew_for_ever(self) -> None:
        while not self._end.wait(RENEW_SECONDS):
            with contextlib.suppress(OSError, ArchiveBusyError):
                self._renew()

    def _renew(self) -> None:
        with self._guard:
            began = _now()
            tag = None if self._lost else self._store.put(WRITER, self._said(self._id), self._tag)
            if tag is None and (tag := self._mine()) is None:
                self._lost = True
                raise self._busy()
            self._tag, self._renewed_at = tag, began

    def _mine(self) -> str | None:
        """Return the tag of what is there if this writer wrote it: the answer to a write can be lost on its way."""
        there = None if self._lost else self._store.read(WRITER)
        return there[1] if there is not None and _writer(there[0]) == self._id else None

    def _said(self, writer: str | None) -> bytes:
        self._renewals += 1  # so that every renewal changes the object
        return json.dumps({"writer": writer, "renewals": self._renewals, "by": self._id}).encode()

    def _busy(self) -> ArchiveBusyError:
        return ArchiveBusyError(
            f"another machine is writing to the archive {self._name}; wait for it to end and try again (a writer that "
            f"died is noticed after {DEAD_SECONDS:.0f} seconds). What was loaded so far is kept"
        )


def _writer(said: bytes) -> str | None:
    """Return who holds the right to write; None where nobody does, or nothing that makes sense is there."""
    try:
        return json.loads(said).get("writer")  # type: ignore[no-any-return]
    except (ValueError, AttributeError):
        return None


def _now() -> float:
    """Return a time that goes on while the machine sleeps, where there is one."""
    clock: Any = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
