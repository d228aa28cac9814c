"""Address ranges that the user brings: whether an address lies in one of them."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import NamedTuple

from impressions_analytics.errors import InvalidArgumentError


class AddressRanges:
    """Ranges of addresses, IPv4 and IPv6, to be asked of many addresses.

    Examples
    --------
    >>> ranges = AddressRanges.of(["172.224.226.0/31", "2a02:26f7::/32"])
    >>> ranges.holds("172.224.226.1"), ranges.holds("172.224.226.2"), ranges.holds("2a02:26f7::1")
    (True, False, True)
    >>> ranges.holds("::ffff:172.224.226.1")  # the same address, as IPv6 writes those of IPv4
    True
    >>> print(ranges.holds("not an address"))
    None
    """

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network]) -> None:
        self._spans = {4: _Spans([], []), 6: _Spans([], [])}
        ends = ((each.version, int(each.network_address), each.num_addresses) for each in networks)
        for version, first, count in sorted(ends):
            self._spans[version].add(first, first + count - 1)

    @classmethod
    def of(cls, source: str | Path | Iterable[str]) -> AddressRanges:
        """Return the ranges in a CSV file, the first column being the range, or in an iterable of ranges."""
        return cls(_read(Path(source)) if isinstance(source, str | Path) else [_network(text) for text in source])

    def holds(self, address: object) -> bool | None:
        """Return whether the address lies in one of the ranges; None if it is no address."""
        try:
            found = _plain(ip_address(str(address)))
        except ValueError:
            return None
        return self._spans[found.version].holds(int(found))


class _Spans(NamedTuple):
    """First addresses in order, and for each the last address of it and all before: ranges may lie in ranges."""

    firsts: list[int]
    lasts: list[int]

    def add(self, first: int, last: int) -> None:
        self.firsts.append(first)
        self.lasts.append(max(last, self.lasts[-1]) if self.lasts else last)

    def holds(self, number: int) -> bool:
        place = bisect_right(self.firsts, number) - 1
        return place >= 0 and number <= self.lasts[place]


_MAPPED = ip_network("::ffff:0:0/96")


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address only wraps."""
    return getattr(address, "ipv4_mapped", None) or address


def _unwrapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Return the IPv4 range that an IPv6 range only wraps."""
    if isinstance(network, IPv4Network) or not network.subnet_of(_MAPPED):  # type: ignore[arg-type]
        return network
    return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))


def _read(path: Path) -> list[IPv4Network | IPv6Network]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [
                (number, row[0].strip()) for number, row in enumerate(csv.reader(file), 1) if row and row[0].strip()
            ]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(
            f"ip_ranges: cannot read {str(path)!r} ({error}); give a CSV file whose first column holds ranges such as "
            "172.224.226.0/31"
        ) from error
    if rows and not any(character.isdigit() for character in rows[0][1]):
        del rows[0]  # a line of column names
    return [_network(text, f"{path.name}, line {number}") for number, text in rows if not text.startswith("#")]


def _network(text: str, where: str = "ip_ranges") -> IPv4Network | IPv6Network:
    try:
        return _unwrapped(ip_network(text.strip(), strict=False))
    except (ValueError, AttributeError) as error:
        raise InvalidArgumentError(
            f"{where}: {text!r} is not a range of addresses; expected one such as 172.224.226.0/31 or 2a02:26f7::/32"
        ) from error
