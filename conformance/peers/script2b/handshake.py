"""What a TLS handshake said: name, curve, both chains and alerts, heard where Python's ``ssl`` reports each message.

Its public interface tells version, suite and the peer's leaf alone. The rest comes from the debugging hook of
``SSLContext``; where an interpreter has none, the record says that it is not available.

Spec: RFC 5246 section 7, RFC 8446 section 4, RFC 8422 section 5, RFC 6066 section 3; conformance clauses on evidence.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

_HOOK: Final = "_msg_callback"
UNKNOWN: Final = "not available"
NONE: Final = "none"
_READ: Final = "read"
_FATAL: Final = 2
_NAMED_CURVE: Final = 3
_CONTENT_ALERT, _CONTENT_HANDSHAKE = 21, 22
_TELLING: Final = frozenset({_CONTENT_ALERT, _CONTENT_HANDSHAKE})
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE, _KEY_EXCHANGE = 1, 2, 11, 12
_SERVER_NAME, _KEY_SHARE = 0, 51
_MOST_ALERTS: Final = 4
CURVES: Final[Mapping[int, str]] = {
    21: "secp224r1",
    22: "secp256k1",
    23: "secp256r1",
    24: "secp384r1",
    25: "secp521r1",
    29: "x25519",
    30: "x448",
    4588: "X25519MLKEM768",
}
"""Named groups (IANA TLS registry)."""
Ders = Mapping[str, Sequence[bytes]]
"""Name in the record -> certificates, the leaf first."""


class _Bytes:
    """Reads a message from its front."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def take(self, count: int) -> bytes:
        """Take so many bytes."""
        if count > len(self._data):
            raise ValueError("a handshake message ends early")
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    def number(self, size: int) -> int:
        """Take a number of so many bytes."""
        return int.from_bytes(self.take(size))

    def vector(self, size: int) -> bytes:
        """Take what is preceded by its length in so many bytes."""
        return self.take(self.number(size))


@dataclass(slots=True)
class Handshake:
    """What was heard of one connection."""

    name: str = ""
    """Server name that the client asked for."""
    curve: str = ""
    chains: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    """``peer`` and ``own``."""
    alerts: list[str] = field(default_factory=list)
    """Fatal ones, e.g. ``received 48``."""

    def hear(self, direction: str, content: int, kind: int, data: bytes) -> None:
        """Take one message; one that is spoilt tells nothing."""
        if content not in _TELLING:
            return
        with contextlib.suppress(ValueError):
            if content == _CONTENT_ALERT:
                self._alert(direction, data)
            else:
                self._message(direction, kind, data)

    def _alert(self, direction: str, data: bytes) -> None:
        said = _Bytes(data)
        level, what = said.number(1), said.number(1)
        if level == _FATAL and len(self.alerts) < _MOST_ALERTS:
            self.alerts.append(f"{'received' if direction == _READ else 'sent'} {what}")

    def _message(self, direction: str, kind: int, data: bytes) -> None:
        body = _Bytes(data[4:])
        if kind == _CLIENT_HELLO and not self.name:
            self.name = _server_name(body)
        elif kind == _SERVER_HELLO:
            self.curve = _share(body) or self.curve
        elif kind == _KEY_EXCHANGE and body.number(1) == _NAMED_CURVE:
            self.curve = _curve(body.number(2))
        elif kind == _CERTIFICATE:
            self.chains.setdefault("peer" if direction == _READ else "own", _chain(data[4:]))

    def facts(self, context: ssl.SSLContext) -> dict[str, str]:
        """Return what belongs into the record."""
        blank = NONE if hasattr(context, _HOOK) else UNKNOWN
        found = {"sni": self.name or blank, "curve": self.curve or blank}
        return {**found, "alerts": ", ".join(self.alerts)} if self.alerts else found

    @property
    def ders(self) -> dict[str, tuple[bytes, ...]]:
        """Return the chains under their names in the record."""
        return {f"{side}_chain_sha256": chain for side, chain in self.chains.items() if chain}


_HEARD: Final[ContextVar[Handshake | None]] = ContextVar("handshake", default=None)


def _hear(_: object, direction: str, __: object, content: int, kind: int, data: bytes) -> None:
    heard = _HEARD.get()
    if heard is not None:
        heard.hear(direction, content, kind, data)


_hear.user_function = _hear  # type: ignore[attr-defined] # by which the interpreter's own property finds it again


def _listen(context: ssl.SSLContext) -> None:
    """Have each message told, data included: below the interpreter's property, which makes enumerations of them all."""
    below = vars(ssl.SSLContext.__mro__[1]).get(_HOOK)
    if below is not None and below.__get__(context) is not _hear:
        below.__set__(context, _hear)


@contextmanager
def hearing(context: ssl.SSLContext | None) -> Iterator[Handshake]:
    """Listen to the connection that is made in the body; asyncio carries the listener on to its callbacks."""
    if context is not None:
        _listen(context)
    heard = Handshake()
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)


def agreed(
    heard: Handshake, transport: asyncio.BaseTransport, context: ssl.SSLContext
) -> tuple[dict[str, str], Ders]:
    """Return what TLS agreed on, and the certificates that were shown: the peer's leaf, and both chains.

    Args:
        heard: Of the connection.
        transport: Of the connection.
        context: It was made with.
    """
    found = transport.get_extra_info("ssl_object")
    if not isinstance(found, ssl.SSLObject | ssl.SSLSocket):
        return {}, {}
    cipher = found.cipher()
    facts = {
        "version": found.version() or "",
        "cipher": cipher[0] if cipher else "",
        "resumed": "yes" if found.session_reused else "no",
        **heard.facts(context),
    }
    with contextlib.suppress(ValueError):
        leaf = found.getpeercert(binary_form=True)
        return facts, {**({"peer_sha256": (leaf,)} if leaf else {}), **heard.ders}
    return facts, heard.ders


def failed(
    heard: Handshake, error: Exception, context: ssl.SSLContext
) -> tuple[dict[str, str], Ders]:
    """Return why a handshake failed, and how far it came."""
    facts = {"error": f"{type(error).__name__}: {getattr(error, 'reason', '') or error}"}
    if isinstance(error, ssl.SSLCertVerificationError):
        facts["verify"] = f"{error.verify_code} {error.verify_message}"
    return {**facts, **heard.facts(context)}, heard.ders


def _extensions(body: _Bytes) -> Iterator[tuple[int, _Bytes]]:
    if not len(body):
        return
    found = _Bytes(body.vector(2))
    while len(found):
        yield found.number(2), _Bytes(found.vector(2))


def _server_name(body: _Bytes) -> str:
    body.take(34)
    for size in (1, 2, 1):  # session, suites, compression
        body.vector(size)
    for kind, said in _extensions(body):
        if kind == _SERVER_NAME:
            names = _Bytes(said.vector(2))
            names.take(1)
            return names.vector(2).decode("ascii", "backslashreplace")
    return ""


def _share(body: _Bytes) -> str:
    """Return the group of a TLS 1.3 ServerHello; empty in TLS 1.2, where the key exchange names it."""
    body.take(34)
    body.vector(1)
    body.take(3)
    for kind, said in _extensions(body):
        if kind == _KEY_SHARE:
            return _curve(said.number(2))
    return ""


def _curve(number: int) -> str:
    return CURVES.get(number, f"group {number}")


def _chain(body: bytes) -> tuple[bytes, ...]:
    """Return the certificates of a message, of TLS 1.3 (which begins with a context) or before."""
    older = int.from_bytes(body[:3]) == len(body) - 3
    said = _Bytes(body)
    if not older:
        said.vector(1)
    rows, found = _Bytes(said.vector(3)), []
    while len(rows):
        found.append(rows.vector(3))
        if not older:
            rows.vector(2)
    return tuple(found)
