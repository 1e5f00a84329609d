"""Bearer tokens of sites: made, listed, revoked; the secret is shown once and kept only as SHA-256."""

import hashlib
import hmac
from collections.abc import Collection
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
TOKEN: Final = "token"  # noqa: S105 - a kind of record


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
