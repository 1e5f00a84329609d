"""Addresses that no outgoing call may reach just because somebody wrote down a name: a table of our own.

The standard library's idea of a global address differs from version to version and calls ``64:ff9b:1::/48``,
``fec0::/10``, ``192.88.99.1`` and others global, so it is not asked (R-IN-8).

Spec: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates).
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Special:
    """One network that is no ordinary part of the Internet."""

    network: Network
    name: str
    own: bool = False
    """True: may be a site's own network, so an operator may open parts of it."""


def _row(text: str, name: str, *, own: bool = False) -> Special:
    return Special(ip_network(text), name, own)


SPECIAL: Final[tuple[Special, ...]] = (
    _row("0.0.0.0/8", "this network"),
    _row("10.0.0.0/8", "private use", own=True),
    _row("100.64.0.0/10", "shared by carriers", own=True),
    _row("127.0.0.0/8", "loopback", own=True),
    _row("169.254.0.0/16", "link-local, and where clouds keep credentials"),
    _row("172.16.0.0/12", "private use", own=True),
    _row("192.0.0.0/24", "protocol assignments"),
    _row("192.0.2.0/24", "documentation"),
    _row("192.31.196.0/24", "AS112"),
    _row("192.52.193.0/24", "multicast tunnels"),
    _row("192.88.99.0/24", "6to4 relays"),
    _row("192.168.0.0/16", "private use", own=True),
    _row("192.175.48.0/24", "AS112"),
    _row("198.18.0.0/15", "benchmarking"),
    _row("198.51.100.0/24", "documentation"),
    _row("203.0.113.0/24", "documentation"),
    _row("224.0.0.0/4", "multicast"),
    _row("240.0.0.0/4", "reserved, and broadcast"),
    _row("::/128", "unspecified"),
    _row("::1/128", "loopback", own=True),
    _row("::ffff:0:0/96", "IPv4 written as IPv6"),
    _row("::/96", "IPv4 written as IPv6"),
    _row("64:ff9b::/96", "IPv4 behind a translator"),
    _row("64:ff9b:1::/48", "IPv4 behind a translator"),
    _row("100::/64", "discarded"),
    _row("2001:db8::/32", "documentation"),
    _row("2001::/23", "protocol assignments, Teredo among them"),
    _row("2002::/16", "IPv4 inside 6to4"),
    _row("3fff::/20", "documentation"),
    _row("5f00::/16", "segment routing"),
    _row("fc00::/7", "unique local", own=True),
    _row("fe80::/10", "link-local"),
    _row("fec0::/10", "site-local, given up"),
    _row("ff00::/8", "multicast"),
)
"""The first row that holds an address names it."""
UNICAST: Final = IPv6Network("2000::/3")
"""IPv6 outside of it is not handed out."""
_ELSEWHERE: Final = Special(IPv6Network("::/0"), "outside 2000::/3")


def special(address: Address) -> Special | None:
    """Return what is special about an address, None for an ordinary one of the Internet."""
    for row in SPECIAL:
        if address in row.network:
            return row
    if isinstance(address, IPv6Address) and address not in UNICAST:
        return _ELSEWHERE
    return None


def own_network(network: Network) -> Special | None:
    """Return the row of the kind of own network that holds all of ``network``; None when there is none."""
    for row in SPECIAL:
        if row.own and _within(network, row.network):
            return row
    return None


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner.subnet_of(outer)
    return False


def address_of(text: str) -> Address | None:
    """Read an address in its one canonical form; ``127.1``, ``0x7f.1`` and addresses with a zone are none."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return None if isinstance(found, IPv6Address) and found.scope_id else found
