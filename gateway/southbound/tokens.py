"""Bearer tokens of sites: made, listed, revoked; the secret is shown once and kept only as SHA-256."""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.domain.errors import SessionError
from gateway.domain.names import SiteId
from gateway.domain.points import Step
from gateway.domain.ports import Ids
from gateway.domain.text import clean
from gateway.pipeline.ports import Store, Work
from gateway.pipeline.records import TokenRecord

EVENTS_READ: Final = "events:read"
ACK_WRITE: Final = "ack:write"
TELEMETRY_WRITE: Final = "telemetry:write"
SCOPES: Final = (EVENTS_READ, ACK_WRITE, TELEMETRY_WRITE)
"""All that a site needs; a token carries all of them unless told otherwise."""
LONGEST_NAME: Final = 64
_ENVIRONMENTS: Final = {True: "ggtest", False: "gglive"}
_PARTS: Final = 3
TOKEN: Final = "token"  # noqa: S105 - a kind of record


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a token says of itself; it stands in the secret's text, so that nobody can change it."""

    test: bool
    issuer: str
    """Beginning of the id of the store that made it."""
    site: SiteId

    def text(self, secret: str) -> str:
        """Write the token."""
        return f"{_ENVIRONMENTS[self.test]}~{self.issuer}~{self.site}~{secret}"

    def fits(self, token: TokenRecord, store_id: str, *, test_mode: bool) -> bool:
        """Say whether a token is what its record, this store and this environment are."""
        return self == Named(test=test_mode, issuer=_short(store_id), site=token.site)


@dataclass(frozen=True, slots=True)
class NamingIds:
    """Draws secrets that say what they are for.

    Args:
        ids: Draws them.
        named: What they say.
    """

    ids: Ids
    named: Named

    def uuid(self) -> str:
        """Return a fresh UUID."""
        return self.ids.uuid()

    def token(self) -> str:
        """Return a fresh secret, and what it is for."""
        return self.named.text(self.ids.token())


async def naming(store: Store, ids: Ids, site: SiteId, *, test_mode: bool) -> NamingIds:
    """Make secrets name the site, the store as their issuer, and the environment (R-GUARD-2)."""
    store_id = await store.read(lambda work: work.identity.store_id)
    return NamingIds(ids, Named(test=test_mode, issuer=_short(store_id), site=site))


def named_by(secret: str) -> Named | None:
    """Read what a token says of itself; None when it says nothing."""
    environment, *rest = secret.split("~")
    if environment not in _ENVIRONMENTS.values() or len(rest) != _PARTS:
        return None
    issuer, site, _ = rest
    return Named(test=environment == _ENVIRONMENTS[True], issuer=issuer, site=SiteId(site))


def _short(store_id: str) -> str:
    return store_id.replace("-", "")[:8]


def token_digest(secret: str) -> str:
    """Return how a token is stored: SHA-256, lower-case hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def create_token(
    store: Store,
    ids: Ids,
    *,
    name: str,
    site: SiteId,
    now: datetime,
    scopes: Collection[str] = SCOPES,
    expires_at: datetime | None = None,
) -> str:
    """Store a new credential.

    Args:
        store: Keeps the digest.
        ids: Draws the secret.
        name: Unique; by it the token is revoked.
        site: The only site that it opens.
        now: Stamp.
        scopes: Out of ``SCOPES``.
        expires_at: First instant at which it is no longer accepted; None: until revoked.

    Returns:
        The secret; nobody can read it again.

    Raises:
        WireError: ``INVALID_TEXT`` for a name that cannot be stored.
        SessionError: ``SCOPE`` for an unknown scope, ``CONFLICT`` when the name is taken.
    """
    clean(name, LONGEST_NAME)
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes or not name:
        raise SessionError("SCOPE", f"name the token and give it scopes out of {', '.join(SCOPES)}")
    secret = ids.token()
    record = TokenRecord(
        name=name,
        sha256=token_digest(secret),
        site=site,
        scopes=tuple(scope for scope in SCOPES if scope in scopes),
        created_at=now,
        expires_at=expires_at,
    )

    def add(work: Work) -> None:
        if any(known.name == name for known in work.tokens.all()):
            raise SessionError("CONFLICT", f"there is a token named {name!r}; choose another name")
        work.tokens.add(record)
        _note(work, name, "created", now, site=site, scopes=list(record.scopes))

    await store.write(add, Step.TOKEN)
    return secret


async def list_tokens(store: Store) -> tuple[TokenRecord, ...]:
    """Return all credentials, revoked ones too, without their secrets."""
    return await store.read(lambda work: work.tokens.all())


async def revoke_token(store: Store, name: str, now: datetime) -> bool:
    """Revoke a credential: requests fail at once, open streams end within seconds.

    Returns:
        False when there is no such name or it was revoked before.
    """

    def revoke(work: Work) -> bool:
        done = work.tokens.revoke(name, now)
        if done:
            _note(work, name, "revoked", now)
        return done

    return await store.write(revoke, Step.TOKEN)


def _note(work: Work, name: str, word: str, now: datetime, **facts: object) -> None:
    """Say in the audit log what was done; whoever may open the socket or the store is the operator."""
    work.log.append(TOKEN, name, {"word": word, "by": "operator", **facts}, now)


def accepted(work: Work, sha256: str, now: datetime) -> TokenRecord | None:
    """Return the credential of a digest when it is in force at ``now``."""
    token = work.tokens.by_digest(sha256)
    if token is None or not hmac.compare_digest(token.sha256, sha256):
        return None
    expired = token.expires_at is not None and token.expires_at <= now
    return None if expired or token.revoked_at is not None else token
