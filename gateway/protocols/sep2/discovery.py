"""Servers on the local network: what their DNS-SD records say, and which of them is ours.

An address of the form ``https://_smartenergy._tcp.local`` stands for whichever server answers; a subtype before it
(``edev-<SFDI>``, ``derp`` …) asks only those that offer it. Whoever is on the network can answer, so nothing that is
read here is trusted: the server that is reached has to show the certificate that was pinned.

Spec: IEEE 2030.5-2018 clause 7 (DNS-SD): service, subtypes, keys of TXT records; RFC 6763 sections 4.1, 6.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from gateway.domain.errors import WireError
from gateway.protocols.sep2.identity import is_sfdi

SERVICE: Final = "_smartenergy._tcp"
DOMAIN: Final = "local"
"""Of 2023, and of every multicast resolver; ``site`` of 2018 needs xmDNS, which none of them speaks."""
SUBTYPES: Final = frozenset(
    {
        *("bill", "derp", "dr", "edev", "file", "msg", "mup", "ppy", "rsps", "sdev", "tm", "tp"),
        "upt",
    }
)
LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "2018": ("-S1", "+S1", "-S2", "+S2"),
    "2023": ("-S2", "+S2", "-S1", "+S1"),
}
"""Edition that we speak -> levels, the most fitting first."""
_HTTPS: Final = 443
_PORTS: Final = 65_535
_LARGEST: Final = 1300
"""Bytes of a TXT record (RFC 6763 section 6.2)."""
_PATH: Final = re.compile(r"/[!-~]{0,200}")
_SFDI: Final = re.compile(r"(?<!\d)(\d{12})$")
_EDEV: Final = re.compile(r"edev-\d{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One answer, as the network gave it."""

    instance: str
    """First label of its name."""
    addresses: tuple[str, ...]
    txt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that can be asked."""

    instance: str
    sfdi: int | None
    """At the end of its name; None: there is none."""
    url: str
    """Of its DeviceCapability."""
    level: str
    path: str = ""
    """Of the function set, in answers to a subtype."""


def service_of(url: str) -> str:
    """Return what is asked for where an address stands for whichever server answers; empty where it does not.

    Raises:
        WireError: ``INVALID_TEXT`` for a subtype that there is not.
    """
    host = urlsplit(url).hostname or ""
    if host != f"{SERVICE}.{DOMAIN}" and not host.endswith(f".{SERVICE}.{DOMAIN}"):
        return ""
    subtype = host.removesuffix(f"{SERVICE}.{DOMAIN}").rstrip(".")
    if not subtype:
        return f"{SERVICE}.{DOMAIN}."
    name = subtype.removesuffix("._sub")
    if name not in SUBTYPES and not _EDEV.fullmatch(name):
        known = ", ".join(sorted(SUBTYPES))
        raise WireError(
            "INVALID_TEXT", f"{name[:40]} is no subtype; there are edev-<SFDI>, {known}"
        )
    return f"{name}._sub.{SERVICE}.{DOMAIN}."


def entries(txt: bytes) -> dict[str, str | None]:
    """Read a TXT record: names in lower case, the first of each counts; None: there is a name and no value.

    Raises:
        WireError: ``INVALID_TEXT`` for one that is cut, too large, or no text.
    """
    if len(txt) > _LARGEST:
        raise WireError("INVALID_TEXT", f"a TXT record may have {_LARGEST} bytes")
    found: dict[str, str | None] = {}
    at = 0
    while at < len(txt):
        length = txt[at]
        part = txt[at + 1 : at + 1 + length]
        if len(part) < length:
            raise WireError("INVALID_TEXT", "a TXT record is cut")
        at += 1 + length
        name, equals, value = part.partition(b"=")
        if not name:
            continue
        try:
            found.setdefault(name.decode("ascii").lower(), value.decode() if equals else None)
        except UnicodeDecodeError:
            raise WireError("INVALID_TEXT", "a TXT record holds no text") from None
    return found


def server_of(record: Record) -> Server:
    """Read an answer.

    Raises:
        WireError: ``INVALID_TEXT``, ``INVALID_NUMBER`` for one that names no server which we could ask.
    """
    told = entries(record.txt)
    if next(iter(told), "") != "txtvers" or told["txtvers"] != "1":
        raise WireError("INVALID_TEXT", "its record does not begin with txtvers=1")
    level = told.get("level")
    if not level:
        raise WireError("INVALID_TEXT", "its record has no level")
    if "https" not in told:
        raise WireError("INVALID_TEXT", "it speaks plain http, which we do not")
    host = _host(record.addresses)
    port = _port(told["https"])
    where = host if port == _HTTPS else f"{host}:{port}"
    return Server(
        instance=record.instance,
        sfdi=_sfdi(record.instance),
        url=f"https://{where}{_path(told.get('dcap'), 'dcap')}",
        level=level,
        path=_path(told["path"], "path") if told.get("path") else "",
    )


def choose(records: Iterable[Record], pin: int | None, edition: str) -> Server | None:
    """Return the server to ask: that of the SFDI that was pinned, then the most fitting level; None: there is none.

    Args:
        records: Answers, in whichever order they came.
        pin: SFDI of our server; None: it is not known, and a server that names itself is as good as any.
        edition: That we speak.
    """
    fitting = LEVELS[edition]
    best: list[tuple[bool, int, str, str, Server]] = []
    for record in records:
        try:
            server = server_of(record)
        except WireError:
            continue
        if pin is not None and server.sfdi not in {None, pin}:
            continue
        rank = fitting.index(server.level) if server.level in fitting else len(fitting)
        best.append((server.sfdi is None, rank, server.instance, server.url, server))
    return min(best, key=lambda one: one[:-1])[-1] if best else None


def _sfdi(instance: str) -> int | None:
    found = _SFDI.search(instance)
    number = int(found[1]) if found else -1
    return number if is_sfdi(number) else None


def _path(text: str | None, name: str) -> str:
    if text is None or not _PATH.fullmatch(text) or text.startswith("//"):
        raise WireError("INVALID_TEXT", f"its {name} is no path")
    if "?" in text or "#" in text:
        raise WireError("INVALID_TEXT", f"its {name} is more than a path")
    return text


def _port(text: str | None) -> int:
    """Return the port of ``https``, which counts instead of that of the SRV record."""
    if not text:
        return _HTTPS
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(_PORTS))):
        raise WireError("INVALID_NUMBER", "its https is no port")
    port = int(text)
    if not 0 < port <= _PORTS:
        raise WireError("INVALID_NUMBER", "its https is no port")
    return port


def _host(addresses: Iterable[str]) -> str:
    """Return the address to connect to: names of the local network are not every resolver's to find."""
    usable: list[IPv4Address | IPv6Address] = []
    for text in addresses:
        try:
            found = ip_address(text)
        except ValueError:
            continue
        scoped = isinstance(found, IPv6Address) and (found.is_link_local or found.scope_id)
        if not (scoped or found.is_multicast or found.is_unspecified):
            usable.append(found)
    if not usable:
        raise WireError("INVALID_TEXT", "it has no address that can be connected to")
    best = min(usable, key=lambda one: (one.version, int(one)))
    return str(best) if isinstance(best, IPv4Address) else f"[{best}]"
