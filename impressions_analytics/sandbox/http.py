"""A small HTTP/1.1 server on loopback, one thread per connection, that can also fail the way networks fail."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

Ending = Literal["whole", "nothing", "reset", "reset_midway", "refuse", "cut", "cut_unmarked", "cut_chunked"]
"""How an answer ends: whole, or in one of the ways in which connections break."""
LONGEST_HEAD = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends a reset instead of a goodbye."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer, and how its connection ends."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    ending: Ending = field(default="whole", kw_only=True)
    refuse_seconds: float = field(default=0.0, kw_only=True)


class Server:
    """A listening socket and its threads; `stop` leaves neither behind."""

    def __init__(self, handler: Callable[[Request], HttpAnswer], port: int = 0) -> None:
        self._handler = handler
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.stopping = threading.Event()
        self._woken, self._waker = socket.socketpair()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._refuse_seconds = 0.0
        self._accepting = threading.Thread(target=self._accept, name="sandbox-accept", daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        """Close every connection and wait for every thread."""
        self.stopping.set()
        self._wake()
        self._accepting.join()
        with self._lock:
            open_connections = dict(self._connections)
        for connection in open_connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in open_connections.values():
            thread.join()
        self._woken.close()
        self._waker.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._waker.send(b"!")

    def _accept(self) -> None:
        while not self.stopping.is_set():
            ready, _, _ = select.select([self._listener, self._woken], [], [])
            if self._woken in ready:
                self._woken.recv(64)
                self._refuse()
            elif self._listener in ready:
                self._welcome()
        self._listener.close()

    def _refuse(self) -> None:
        """Stop listening for a while, where a request asked for it."""
        seconds, self._refuse_seconds = self._refuse_seconds, 0.0
        if seconds:
            self._listener.close()
            self.stopping.wait(seconds)
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)

    def _welcome(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(connection,), name="sandbox-connection", daemon=True)
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        incoming = bytearray()
        try:
            while request := _read(connection, incoming):
                answer = self._handler(request)
                if self.stopping.is_set() or not self._send(connection, request, answer):
                    break
        except OSError:
            pass  # the client went away, as clients do
        finally:
            connection.close()
            with self._lock:
                self._connections.pop(connection, None)

    def _send(self, connection: socket.socket, request: Request, answer: HttpAnswer) -> bool:
        """Send an answer the way it ends; return whether the connection goes on."""
        if answer.ending in ("reset", "refuse", "reset_midway"):
            if answer.ending == "reset_midway":
                connection.sendall(_head(answer, ()) + answer.body[: len(answer.body) // 2])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        if answer.ending == "refuse":
            self._refuse_seconds = answer.refuse_seconds
            self._wake()
        if answer.ending in _BROKEN:
            connection.sendall(_BROKEN[answer.ending](answer))
        if answer.ending != "whole":
            return False
        going_on = request.headers.get("connection", "").lower() != "close"
        body = b"" if request.method == "HEAD" else answer.body
        connection.sendall(_head(answer, () if going_on else (("Connection", "close"),)) + body)
        return going_on


def _read(connection: socket.socket, incoming: bytearray) -> Request | None:
    """Read the next request from a connection; None when the client has closed it or speaks no HTTP."""
    while (end := incoming.find(b"\r\n\r\n")) < 0:
        if len(incoming) > LONGEST_HEAD or not _more(connection, incoming):
            return None
    first, *lines = bytes(incoming[:end]).decode("latin-1").split("\r\n")
    method, target, *_ = [*first.split(" "), "", ""]
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = headers.get("content-length", "0")
    if not target or not length.isdecimal():
        return None
    while len(incoming) < end + 4 + int(length):
        if not _more(connection, incoming):
            return None
    body = bytes(incoming[end + 4 : end + 4 + int(length)])
    del incoming[: end + 4 + int(length)]
    return Request(method, target, headers, body)


def _more(connection: socket.socket, incoming: bytearray) -> bool:
    received = connection.recv(65_536)
    incoming += received
    return bool(received)


def _head(answer: HttpAnswer, more: tuple[tuple[str, str], ...], *, framing: str = "length") -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}", f"Content-Type: {answer.content_type}"]
    lines += {"length": [f"Content-Length: {len(answer.body)}"], "chunked": ["Transfer-Encoding: chunked"]}.get(
        framing, []
    )
    lines += [f"{name}: {value}" for name, value in (*answer.headers, *more)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _half(answer: HttpAnswer) -> bytes:
    return answer.body[: len(answer.body) // 2]


_CLOSE = (("Connection", "close"),)
_BROKEN: dict[str, Callable[[HttpAnswer], bytes]] = {
    "cut": lambda answer: _head(answer, ()) + _half(answer),
    "cut_unmarked": lambda answer: _head(answer, _CLOSE, framing="close") + _half(answer),
    "cut_chunked": lambda answer: _head(answer, (), framing="chunked")
    + f"{len(_half(answer)):x}\r\n".encode() + _half(answer) + b"\r\n",
}  # fmt: skip
"""What is sent of an answer that breaks off: half of the body, framed in three ways."""
