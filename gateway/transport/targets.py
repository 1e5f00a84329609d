"""Where an outgoing call to somebody else's address may go: judged by the addresses themselves, never by the name.

Spec: reliability requirements on server-side request forgery; R-IN-8.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final
from urllib.parse import urlsplit

from gateway.domain.errors import TransportError
from gateway.transport.special_addresses import Network, address_of, own_network, special

PORTS: Final = (443, 8443)
"""Where webhooks are taken unless the operator names other ports."""
LONGEST_URL: Final = 2048
MOST_ADDRESSES: Final = 16
_PRINTED: Final = re.compile(r"[!-~]+")
_HOST: Final = re.compile(r"[a-z0-9._-]{1,253}|[0-9a-f:.]+")
"""A name or an address; nothing that two readers of URLs could read differently."""
_DEFAULT_PORT: Final = {"https": 443, "http": 80}

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> addresses as texts; raises ``OSError`` when the name has none."""


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver once.

    Raises:
        OSError: the name has no address.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that no name can have
        raise OSError(f"no name: {error}") from None
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRules:
    """What the operator allows beyond the Internet at large."""

    ports: tuple[int, ...] = PORTS
    own: tuple[Network, ...] = ()
    """The site's own networks, named one by one; nothing else special is ever reached."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart."""

    url: str = field(repr=False)
    """May hold a secret in its query."""
    scheme: str
    host: str
    """Lower case, as it is resolved, shown in TLS and sent as ``Host``."""
    port: int


def parse_target(url: str, rules: TargetRules) -> Target:
    """Take a URL apart and refuse what no address could make good.

    Raises:
        TransportError: ``BAD_TARGET`` with the fix.
    """
    if len(url) > LONGEST_URL or not _PRINTED.fullmatch(url) or "\\" in url:
        raise _bad("is no URL; it must look like https://host/path")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _bad("is no URL; host or port cannot be read") from None
    if parts.scheme not in _DEFAULT_PORT or not host:
        raise _bad("must look like https://host/path")
    if "@" in parts.netloc:
        raise _bad("must not hold a user or password; deliveries are signed")
    if not _HOST.fullmatch(host):
        raise _bad("names no host; international names are written in their xn-- form")
    if parts.fragment:
        raise _bad("must end before the #; it is never sent")
    if parts.scheme == "http" and not _opens_loopback(rules):
        raise _bad("must be https; plain http only to loopback addresses listed in `allow`")
    port = _DEFAULT_PORT[parts.scheme] if port is None else port
    if port not in rules.ports:
        listed = ", ".join(map(str, rules.ports))
        raise _bad(f"names port {port}; allowed are {listed} ([southbound] webhook_ports)")
    return Target(url, parts.scheme, host, port)


def judge(target: Target, addresses: Sequence[str], rules: TargetRules) -> tuple[str, ...]:
    """Return the addresses to connect to: all of them, if every single one may be reached.

    Raises:
        TransportError: ``FORBIDDEN_TARGET`` naming the first address that may not.
    """
    if not addresses:
        raise TransportError("NO_ADDRESS", f"{target.host}: has no address")
    for text in addresses[:MOST_ADDRESSES]:
        why = _why_not(target, text, rules)
        if why:
            raise TransportError("FORBIDDEN_TARGET", f"{target.host}: {text} is {why}")
    return tuple(addresses[:MOST_ADDRESSES])


def judge_literal(target: Target, rules: TargetRules) -> None:
    """Judge a host that is an address already, without asking anybody; a name passes.

    Raises:
        TransportError: ``FORBIDDEN_TARGET``.
    """
    if address_of(target.host) is not None:
        judge(target, (target.host,), rules)


def may_be_allowed(network: Network) -> str:
    """Say why an operator may not open a network; empty when it may."""
    if own_network(network) is not None:
        return ""
    if special(network.network_address) is None and network.prefixlen:
        return "is part of the Internet and needs no permission; remove it"
    return "is no network of a site's own; name one such as 10.20.0.0/16 or fd12:3456::/48"


def read_network(text: str) -> Network:
    """Read a network in CIDR form.

    Raises:
        ValueError: with the fix.
    """
    try:
        found = ip_network(text)
    except ValueError:
        raise ValueError("must be a network such as 10.20.0.0/16") from None
    why = may_be_allowed(found)
    if why:
        raise ValueError(why)
    return found


def _opens_loopback(rules: TargetRules) -> bool:
    return any(network.is_loopback for network in rules.own)


def _why_not(target: Target, text: str, rules: TargetRules) -> str:
    address = address_of(text)
    if address is None:
        return "no address that can be judged"
    found = special(address)
    if found is None:
        return "not loopback, and plain http goes nowhere else" if target.scheme == "http" else ""
    if not found.own:
        return found.name
    if not any(address in network for network in rules.own):
        return f"{found.name}; list its network in `allow` if it is the site's own"
    if target.scheme == "http" and not address.is_loopback:
        return f"{found.name}, not loopback, and plain http goes nowhere else"
    return ""


def _bad(what: str) -> TransportError:
    return TransportError("BAD_TARGET", what)
