"""Drives a device by its own interface: values are posted as JSON, one path per method."""

import asyncio
import json
import urllib.request
from typing import Final
from urllib.error import URLError

from conformance.engine.drivers.command import learnt
from conformance.engine.drivers.hands import Values
from conformance.engine.errors import DriverMissingError, SuiteError

_MOST: Final = 1 << 20


class HttpHands:
    """Posts to ``<url>/<method>``.

    Args:
        url: Of the device's or laboratory's interface; http or https.
        methods: That it has.
        timeout_s: Longest wait for one, real seconds.
    """

    def __init__(self, url: str, methods: tuple[str, ...], timeout_s: float) -> None:
        if not url.startswith(("http://", "https://")):
            raise SuiteError(f"the driver's url {url!r} is neither http nor https")
        self._url = url.rstrip("/")
        self._methods = methods
        self._timeout_s = timeout_s

    def can(self, method: str) -> bool:
        """Say whether there is such a method."""
        return method in self._methods

    async def do(self, method: str, values: Values) -> Values:
        """Post it and read the answer."""
        return await asyncio.to_thread(self._post, method, dict(values))

    def _post(self, method: str, values: dict[str, str]) -> Values:
        request = urllib.request.Request(  # noqa: S310 - the scheme was judged above
            f"{self._url}/{method}",
            data=json.dumps(values).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:  # noqa: S310 - likewise
                return learnt(answer.read(_MOST))
        except (URLError, TimeoutError, OSError) as error:
            raise DriverMissingError(f"{method}: {self._url}: {error}") from None
