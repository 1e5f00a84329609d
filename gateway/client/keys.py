"""The gateway's public keys, fetched when they are first needed and again when a signature does not hold."""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.client.exchange import Exchange
from gateway.domain.canonical import read_json
from gateway.domain.errors import WireError
from gateway.domain.ports import Clock
from gateway.domain.signed import signed_part

Verify = Callable[[bytes, str, Mapping[str, object]], bool]
"""(signed bytes, detached JWS, JWK set) -> whether the signature holds."""
FETCH_S: Final = 10.0
FRESH_S: Final = 60.0
"""Keys are not fetched more often than this for signatures that do not hold."""


class Keys:
    """Checks signatures of documents.

    Args:
        exchange: To the gateway.
        clock: Time.
        verify: Does the arithmetic.
    """

    def __init__(self, exchange: Exchange, clock: Clock, verify: Verify) -> None:
        self._exchange = exchange
        self._clock = clock
        self._verify = verify
        self._keys: Mapping[str, object] = {}
        self._fetched_s: float | None = None

    async def holds(self, document: Mapping[str, object]) -> bool:
        """Say whether a document's signature holds.

        Raises:
            BackLaterError: the keys could not be fetched now.
        """
        signature, payload = str(document.get("signature", "")), signed_part(document)
        if self._verify(payload, signature, self._keys):
            return True
        now_s = self._clock.elapsed_s()
        if self._fetched_s is not None and now_s - self._fetched_s < FRESH_S:
            return False
        await self._fetch()
        self._fetched_s = now_s
        return self._verify(payload, signature, self._keys)

    async def _fetch(self) -> None:
        answer = await self._exchange.ask("GET", "/jwks.json", deadline_s=FETCH_S)
        try:
            found = read_json(answer.body)
        except WireError:
            found = {}
        self._keys = found if isinstance(found, dict) else {}
