"""A checksum of the whole file in its own footer, so that a flipped bit is noticed by readers that check no page.

Pages have checksums of their own, which pyarrow checks and DuckDB does not; footers and the headers of pages have none
in Parquet. The seal is one entry of the footer's metadata: the CRC-32 of all before the footer, and the CRC-32 of the
footer with its own eight digits as zeros. Every engine passes over it, and a file without one is read as before.
"""

from __future__ import annotations

import functools
import os
import re
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from impressions_analytics.errors import DamagedFileError

SEAL_KEY = "impressions_analytics.seal"
NO_SEAL = "body 00000000 footer 00000000"
"""What is written first, since the checksums are known only when the file is whole."""

REWRITTEN = b"ARROW:schema"
"""Stands in no file of this package: another program wrote the rows again, and kept the metadata that it found."""

TAIL_BYTES = 8
"""After the footer stand its length and the letters PAR1."""

FIRST_READ = 1 << 16
"""Most footers are shorter: one read is enough, which counts in an object store."""

CHUNK = 1 << 20

_SEAL = re.compile(re.escape(SEAL_KEY.encode()) + rb".{2,4}?body ([0-9a-f]{8}) footer ([0-9a-f]{8})", re.DOTALL)


def seal_file(path: Path) -> None:
    """Put the checksums into a Parquet file that was written with `NO_SEAL` under `SEAL_KEY`."""
    with path.open("r+b") as file:
        footer = bytearray(read_footer(file))
        begin = path.stat().st_size - len(footer)
        place = footer.index(NO_SEAL.encode())
        footer[place + 5 : place + 13] = _digits(_crc_of_body(file, begin))
        checksum = _digits(zlib.crc32(footer))
        footer[place + 21 : place + 29] = checksum
        file.seek(begin + place)
        file.write(footer[place : place + len(NO_SEAL)])


def read_footer(file: Any) -> bytes:
    """Return the footer of an open Parquet file with its length and its mark.

    Raises
    ------
    ValueError
        It does not end as Parquet does.
    """
    size = file.seek(0, os.SEEK_END) if not hasattr(file, "size") else file.size()
    file.seek(max(0, size - FIRST_READ))
    tail = file.read(FIRST_READ)
    if tail[-4:] != b"PAR1" or len(tail) < TAIL_BYTES:
        raise ValueError("it does not end as Parquet does")
    length = int.from_bytes(tail[-TAIL_BYTES:-4], "little") + TAIL_BYTES
    if length > size:
        raise ValueError("its footer would be longer than the file")
    if length > len(tail):
        file.seek(size - length)
        tail = file.read(length)
    return bytes(tail[-length:])


def check_footer(footer: bytes, name: str) -> bytes | None:
    """Return the checksum that a footer holds of what stands before it, or None if the file is not sealed.

    Raises
    ------
    DamagedFileError
        The footer is not the one that was written.
    """
    if SEAL_KEY.encode() not in footer or REWRITTEN in footer:
        return None
    found = _SEAL.search(footer)
    if found is None or _digits(zlib.crc32(_unsealed(footer, *found.span(2)))) != found[2]:
        raise DamagedFileError(f"the footer of {name} is not what was written; restore the file from a copy")
    return found[1]


def check_files(paths: Iterable[str]) -> None:
    """Read local Parquet files whole and hold them against their seals; a file that is as it was is read once.

    Raises
    ------
    DamagedFileError
        A file is not what was written.
    """
    with ThreadPoolExecutor(os.cpu_count()) as readers:
        for _ in readers.map(_check_once, paths):
            pass


def _check_once(path: str) -> None:
    now = Path(path).stat()
    _check_version(path, now.st_ino, now.st_size, now.st_mtime_ns)


@functools.lru_cache(maxsize=10_000)
def _check_version(path: str, _inode: int, _size: int, _changed: int) -> None:
    check_file(path)


def check_file(path: str) -> None:
    """Read a local Parquet file whole and hold it against its seal, now.

    Raises
    ------
    DamagedFileError
        The file is not what was written.
    """
    with Path(path).open("rb") as file:
        footer = read_footer(file)
        wanted = check_footer(footer, path)
        begin = file.seek(0, os.SEEK_END) - len(footer)
        if wanted is not None and _digits(_crc_of_body(file, begin)) != wanted:
            raise DamagedFileError(
                f"{path} is not what was written: a bit in it has changed; restore it from a copy, or move it away and "
                "load its period again. Archive.verify names the column and the row group"
            )


def _crc_of_body(file: Any, length: int) -> int:
    file.seek(0)
    checksum, left = 0, length
    while left and (data := file.read(min(CHUNK, left))):
        checksum = zlib.crc32(data, checksum)
        left -= len(data)
    return checksum


def _unsealed(footer: bytes, begin: int, end: int) -> bytes:
    return footer[:begin] + b"0" * (end - begin) + footer[end:]


def _digits(checksum: int) -> bytes:
    return f"{checksum:08x}".encode()
