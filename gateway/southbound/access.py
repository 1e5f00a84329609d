"""Who asks, for which site, and how often: everything a site may not do is refused here."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.domain.errors import IdentityError, SessionError, WireError
from gateway.domain.names import SiteId
from gateway.domain.text import clean
from gateway.pipeline.ports import Work
from gateway.pipeline.records import TokenRecord
from gateway.southbound.parts import Parts
from gateway.southbound.tokens import accepted, named_by, token_digest
from gateway.transport.limits import Limits

_UNBOUND: Final = 1 << 30
_LONGEST_TOKEN: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A site, by its token."""

    site: SiteId
    sha256: str
    """Digest of the token, to look at it again."""


def not_found() -> SessionError:
    """Return the one answer for what is missing and for what is somebody else's."""
    return SessionError("NOT_FOUND", "there is nothing by this id for this site")


class Access:
    """Checks tokens, scopes, sites and rates.

    Args:
        parts: Store, clock and limits.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._limits = Limits(parts.pace.per_s, parts.pace.burst, _UNBOUND)
        self._open: Counter[SiteId] = Counter()

    async def caller(self, request: web.Request, scope: str) -> Caller:
        """Return who asks.

        Raises:
            IdentityError: ``NO_TOKEN``, ``BAD_TOKEN``, or ``SCOPE``.
            SessionError: ``NOT_FOUND`` when the path or the query names another site.
        """
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not secret:
            raise IdentityError("NO_TOKEN", "the request carries no bearer token")
        if len(secret) > _LONGEST_TOKEN or not secret.isascii():
            raise IdentityError("BAD_TOKEN", "the token is not known, expired or revoked")
        digest, now = token_digest(secret.strip()), self._parts.clock.now()
        said = named_by(secret.strip())
        test_mode = self._parts.test_mode

        def look(work: Work) -> TokenRecord | None:
            found = accepted(work, digest, now)
            if found is None or said is None or test_mode is None:
                return found
            fits = said.fits(found, work.identity.store_id, test_mode=test_mode)
            return found if fits else None

        token = await self._parts.store.read(look)
        if token is None:
            raise IdentityError("BAD_TOKEN", "the token is not known, expired or revoked")
        if scope not in token.scopes:
            raise IdentityError("SCOPE", f"the token lacks the scope {scope}")
        named = (*request.query.getall("site", ()), request.match_info.get("site", token.site))
        if any(site != token.site for site in named):
            raise not_found()
        return Caller(site=token.site, sha256=digest)

    def count(self, caller: Caller) -> None:
        """Count one request that may be put off.

        Raises:
            WireError: ``OVERLOADED``.
        """
        with self._limits.admitted(caller.site, self._parts.clock.now()):
            pass

    @contextmanager
    def waiting(self, caller: Caller) -> Iterator[None]:
        """Count a stream or long poll for as long as it is open.

        Raises:
            SessionError: ``STREAMS`` when the site has too many.
        """
        if self._open[caller.site] >= self._parts.pace.streams:
            raise SessionError(
                "STREAMS", f"{self._parts.pace.streams} streams of this site are open"
            )
        self._open[caller.site] += 1
        try:
            yield
        finally:
            self._open[caller.site] -= 1


def named(request: web.Request, part: str) -> str:
    """Return an id out of the path.

    Raises:
        SessionError: ``NOT_FOUND`` for a text that can be nobody's id.
    """
    try:
        return clean(request.match_info[part], 256)
    except WireError:
        raise not_found() from None
