"""One TLS handshake by hand: unlike a connection it can be asked what the peer showed, also when it fails."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Final, Protocol, cast

from gateway.domain.ports import Clock

_PIECE: Final = 1 << 16
_LATE_S: Final = 1.0
"""In TLS 1.3 the server judges our certificate after the handshake: so long we wait for what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaken:
    """What came of a handshake."""

    version: str = ""
    suite: str = ""
    chain: tuple[bytes, ...] = ()
    """The server's certificates as it sent them, DER, leaf first; empty when it sent none."""
    error: ssl.SSLError | None = None
    closed: bool = False
    """The peer broke off without a word."""

    @property
    def good(self) -> bool:
        """Say whether both sides were content."""
        return self.error is None and not self.closed

    @property
    def word(self) -> str:
        """Return OpenSSL's word for the error, e.g. ``CERTIFICATE_VERIFY_FAILED``."""
        return (self.error.reason or "") if self.error else ""


async def shake(
    address: tuple[str, int], context: ssl.SSLContext, name: str, clock: Clock, patience_s: float
) -> Shaken:
    """Connect, shake hands, listen for a late refusal, hang up; no application data is sent.

    Raises:
        TimeoutError: the peer did not finish in time.
        OSError: there is no connection.
    """
    async with clock.timeout(patience_s):
        reader, writer = await asyncio.open_connection(*address)
        try:
            return await _Shake(reader, writer, context, name, clock).run()
        finally:
            writer.close()


class _Shake:
    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        context: ssl.SSLContext,
        name: str,
        clock: Clock,
    ) -> None:
        self._reader, self._writer, self._clock = reader, writer, clock
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=name)

    async def run(self) -> Shaken:
        try:
            while not self._hands_shaken():
                await self._flush()
                await self._feed()
            await self._flush()
            await self._late_word()
        except ssl.SSLError as error:
            await self._flush()
            return self._found(error=error)
        except (EOFError, ConnectionError):
            return self._found(closed=True)
        return self._found()

    def _hands_shaken(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    async def _late_word(self) -> None:
        if self._tls.version() != "TLSv1.3":
            return
        try:
            async with self._clock.timeout(_LATE_S):
                await self._feed()
            self._tls.read(1)
        except (TimeoutError, ssl.SSLWantReadError):
            return  # silence, or session tickets: it is content

    async def _feed(self) -> None:
        data = await self._reader.read(_PIECE)
        if not data:
            raise EOFError
        self._in.write(data)

    async def _flush(self) -> None:
        if self._out.pending:
            self._writer.write(self._out.read())
            await self._writer.drain()

    def _found(self, error: ssl.SSLError | None = None, *, closed: bool = False) -> Shaken:
        suite = self._tls.cipher()
        return Shaken(
            version=self._tls.version() or (suite[1] if suite else ""),
            suite=suite[0] if suite else "",
            chain=shown_chain(self._tls),
            error=error,
            closed=closed,
        )


class _Certificate(Protocol):
    def public_bytes(self, form: int) -> bytes: ...


_DER: Final = 2
"""``_ssl.ENCODING_DER``."""


def shown_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """Return the certificates that a peer sent, DER, leaf first, verified or not."""
    public = getattr(tls, "get_unverified_chain", None)  # Python 3.13
    if public is not None:
        return tuple(cast("list[bytes]", public() or []))
    inner = tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - before 3.13 there is no other way; pinned by a test
    found = cast("list[_Certificate]", inner.get_unverified_chain() or [])
    return tuple(one.public_bytes(_DER) for one in found)
