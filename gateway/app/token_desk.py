"""Site tokens as an operator handles them: the same three acts on a store, or through a running gateway."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from gateway.domain.errors import SessionError
from gateway.domain.names import SiteId
from gateway.domain.ports import Clock, Ids
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Instant
from gateway.pipeline.ports import Store
from gateway.pipeline.records import TokenRecord
from gateway.southbound.tokens import create_token, list_tokens, naming, revoke_token


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewToken(_Document):
    """What a token shall be."""

    name: Name
    """By it the token is revoked."""
    site: Name
    scopes: tuple[Text, ...]


class TokenDocument(_Document):
    """A token as it is listed: never its secret, nor the secret's digest."""

    name: Name
    site: Name
    scopes: tuple[Text, ...]
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None


class TokenDesk(Protocol):
    """Whoever makes, lists and revokes tokens."""

    async def create(self, wanted: NewToken) -> str:
        """Make a token and return its secret, which nobody can read again.

        Raises:
            SessionError: ``NOT_FOUND`` for an unknown site, ``SCOPE``, ``CONFLICT`` when the name is taken.
        """
        ...

    async def all(self) -> tuple[TokenDocument, ...]:
        """List every token, revoked ones too, oldest first."""
        ...

    async def revoke(self, name: str) -> None:
        """Revoke a token.

        Raises:
            SessionError: ``NOT_FOUND`` when there is no such token in force.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoreDesk:
    """Acts on a store directly.

    Args:
        store: One that may be written.
        ids: Draws the secrets.
        clock: Stamps.
        sites: Those that the configuration knows.
        test_mode: Whether this is a rehearsal.
    """

    store: Store
    ids: Ids
    clock: Clock
    sites: Collection[str]
    test_mode: bool = False
    """Environment of the tokens that are made."""

    async def create(self, wanted: NewToken) -> str:
        """Make a token; see ``TokenDesk``.

        Raises:
            SessionError: ``NOT_FOUND``.
        """
        if wanted.site not in self.sites:
            detail = (
                f"there is no site {wanted.site!r}; the configuration has {', '.join(self.sites)}"
            )
            raise SessionError("NOT_FOUND", detail)
        site = SiteId(wanted.site)
        return await create_token(
            self.store,
            await naming(self.store, self.ids, site, test_mode=self.test_mode),
            name=wanted.name,
            site=site,
            now=self.clock.now(),
            scopes=wanted.scopes,
        )

    async def all(self) -> tuple[TokenDocument, ...]:
        """List every token; see ``TokenDesk``."""
        return tuple(map(_document, await list_tokens(self.store)))

    async def revoke(self, name: str) -> None:
        """Revoke a token; see ``TokenDesk``.

        Raises:
            SessionError: ``NOT_FOUND``.
        """
        if not await revoke_token(self.store, name, self.clock.now()):
            detail = f"there is no token {name!r}, or it was revoked before; `gridgate token list`"
            raise SessionError("NOT_FOUND", detail)


def _document(record: TokenRecord) -> TokenDocument:
    return TokenDocument(
        name=record.name,
        site=record.site,
        scopes=record.scopes,
        created_at=record.created_at,
        expires_at=record.expires_at,
        revoked_at=record.revoked_at,
    )
