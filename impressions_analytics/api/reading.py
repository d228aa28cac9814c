"""How an answer comes off the wire: never slower than its deadline, never larger than memory allows.

Everything that a server sends passes `Reading.readinto`: the status line, headers, chunk sizes, trailers and the body.
So a deadline that is checked there holds in every phase, also in those that the HTTP libraries read by themselves.
"""

from __future__ import annotations

import http
import http.client
import io
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

import urllib3
from requests.adapters import HTTPAdapter

from impressions_analytics.errors import ApiError

LEAST_BYTES_PER_SECOND = 10_000  # a page is about 250 kB, or 30 kB packed: the slowest line takes half a minute
HEAD_BYTES = 1_000_000  # status line and headers are a few hundred bytes, and what goes before them is nothing
MOST_BYTES = 100_000_000  # a page is about 250 kB; a thousand complaints that quote whole mails stay below this too
MOST_FRAMED_BYTES = 2 * MOST_BYTES  # a body in chunks is longer on the wire than it is
MOST_FILE_BYTES = 50_000_000_000  # a log file of a day goes to the disk; this is more than any day has
ERROR_BYTES = 1_000_000  # nobody reads on in an answer that is no rows
LARGE_BYTES = 5_000_000  # twenty pages: what is larger asks before it goes on
PIECE_BYTES = 1_000_000  # more than a page: an answer that arrives at once is taken at once
_PACKED = {"gzip", "x-gzip", "deflate"}
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class SlowAnswerError(TimeoutError):
    """The deadline of an answer has passed; its words hold no secret."""


class FloodError(OSError):
    """An answer is longer than any that is believed; its words hold no secret."""


class Reading(io.RawIOBase):
    """Reads a socket until a deadline; the time-out of the socket is the time for the head of the answer.

    The body then has as long again, and a second for every `LEAST_BYTES_PER_SECOND` that came.
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._seconds = sock.gettimeout() or 0.0
        self._until = time.monotonic() + self._seconds
        self._bytes = 0
        self._in_body = False
        self._most = MOST_FRAMED_BYTES

    def body_begins(self) -> None:
        """Begin the time of the body."""
        self._until = time.monotonic() + self._seconds
        self._bytes = 0
        self._in_body = True
        self._most = MOST_FRAMED_BYTES

    def file_begins(self) -> None:
        """Let the body be as long as a file may be: it does not go to memory."""
        self._most = 2 * MOST_FILE_BYTES

    def readable(self) -> bool:
        """Say that it can be read, as the buffer around it asks."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, within the time that is left."""
        earned = self._bytes / LEAST_BYTES_PER_SECOND if self._in_body else 0.0
        left = self._until + earned - time.monotonic()
        if left <= 0:
            raise self._too_slow()
        self._sock.settimeout(min(self._seconds, left))
        try:
            count = self._raw.readinto(buffer) or 0
        except TimeoutError:
            raise (
                self._too_slow() if left < self._seconds else SlowAnswerError(f"no answer within {self._seconds:g} s")
            ) from None
        self._bytes += count
        if self._bytes > (self._most if self._in_body else HEAD_BYTES):
            raise FloodError("the headers have no end" if not self._in_body else _too_long(self._most // 2))
        return count

    def close(self) -> None:
        """Give the socket back."""
        self._raw.close()
        super().close()

    def _too_slow(self) -> SlowAnswerError:
        if not self._in_body:
            return SlowAnswerError(f"no answer within {self._seconds:g} s")
        return SlowAnswerError(f"the answer trickled in, slower than {LEAST_BYTES_PER_SECOND:,} bytes a second")


class TimedResponse(http.client.HTTPResponse):
    """The standard library's answer, read through a `Reading`."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.reading = Reading(sock)
        self.fp.close()
        self.fp = io.BufferedReader(self.reading)

    def begin(self) -> None:
        """Read the head, and begin the time of the body."""
        super().begin()
        self.reading.body_begins()


class _Connection(urllib3.connection.HTTPConnection):
    response_class = TimedResponse
    debuglevel = 0  # whatever a program sets for all connections: it would print the token


class _SecureConnection(urllib3.connection.HTTPSConnection):
    response_class = TimedResponse
    debuglevel = 0


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class TimedAdapter(HTTPAdapter):
    """The adapter of requests, whose connections read every answer through a `Reading`."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool: Any) -> None:
        """Make the pools of connections."""
        super().init_poolmanager(connections, maxsize, block, **pool)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        """Make the pools of connections over a proxy."""
        manager = super().proxy_manager_for(proxy, **more)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


def file_of(response: urllib3.HTTPResponse, file: IO[bytes]) -> None:
    """Write the body to a file, unpacked; what the file held is gone.

    Raises
    ------
    FloodError
        When it is longer than `MOST_FILE_BYTES`.
    zlib.error
        When it is packed, and broken or not whole.
    """
    if isinstance(answer := response._original_response, TimedResponse):
        answer.reading.file_begins()
    file.seek(0)
    file.truncate()
    for piece in _pieces(response, MOST_FILE_BYTES):
        try:
            file.write(piece)
        except OSError as problem:  # asking again does not make room
            raise ApiError(
                f"the answer cannot be kept on the disk: {problem.strerror}; make room, or set TMPDIR"
            ) from None
        if file.tell() > MOST_FILE_BYTES:
            raise FloodError(_too_long(MOST_FILE_BYTES))


def body_of(response: urllib3.BaseHTTPResponse, before_large: Callable[[], None]) -> bytes:
    """Return the body, unpacked; of an answer that is no rows only its beginning.

    Parameters
    ----------
    response : urllib3.BaseHTTPResponse
        An answer of which the head was read.
    before_large : callable
        Called once when the body turns out to be larger than `LARGE_BYTES`; it may wait.

    Raises
    ------
    FloodError
        When it is longer than `MOST_BYTES`, as it came or unpacked.
    zlib.error
        When it is packed, and broken or not whole.
    """
    body = io.BytesIO()
    most = MOST_BYTES if response.status == http.HTTPStatus.OK else ERROR_BYTES
    asked = False
    for piece in _pieces(response, MOST_BYTES):
        body.write(piece)
        if body.tell() > most:
            if most == MOST_BYTES:
                raise FloodError(_too_long(most))
            break
        if body.tell() > LARGE_BYTES and not asked:
            before_large()
            asked = True
    return body.getvalue()


def _pieces(response: urllib3.BaseHTTPResponse, most: int) -> Iterator[bytes]:
    """Give the body as it comes, and unpacked where it says that it is packed."""
    wire = iter(lambda: response.read1(PIECE_BYTES, decode_content=False), b"")
    packed = response.headers.get("Content-Encoding", "").strip().lower() in _PACKED
    return _unpacked(_counted(wire, most)) if packed else wire


def _counted(wire: Iterator[bytes], most: int) -> Iterator[bytes]:
    """Give packed bytes on, and end in words where they never yield anything."""
    came = 0
    for piece in wire:
        came += len(piece)
        if came > most:
            raise FloodError(_too_long(most))
        yield piece


def _unpacked(wire: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack gzip or zlib in pieces of bounded size: a megabyte may hold a thousand."""
    unpack = zlib.decompressobj(_GZIP_OR_ZLIB)
    for packed in wire:
        rest = packed
        while rest and not unpack.eof:  # what follows the end is no part of the answer
            yield unpack.decompress(rest, PIECE_BYTES)
            rest = unpack.unconsumed_tail
    if not unpack.eof:
        raise zlib.error("the packed answer is not whole")


def _too_long(most: int) -> str:
    return f"the answer is longer than {most // 1_000_000:,} MB"
