"""HTTP towards the gateway: every call has a deadline, and says whether to come back or to give up."""

import hashlib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import aiohttp

from gateway.client.fences import STALE, Fences
from gateway.client.problem import Problem, Refused, read_problem
from gateway.domain.errors import TransportError
from gateway.domain.fence import HEADER
from gateway.domain.ports import Clock

LARGEST: Final = 16 << 20
CONNECT_S: Final = 5.0
_BACK_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """How long to wait after failures in a row: doubling, spread by site so that a fleet does not come back at once."""

    base_s: float = 0.5
    cap_s: float = 30.0
    spread: str = ""

    def delay_s(self, failures: int) -> float:
        """Return the wait after the n-th failure in a row, between half of the full wait and all of it."""
        whole = min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 30))
        drawn = hashlib.sha256(f"{self.spread}/{failures}".encode()).digest()[0] / 255
        return whole * (1 + drawn) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A success."""

    status: int
    body: bytes
    tag: str


class BackLaterError(TransportError):
    """The gateway asks to come back, or nobody answered.

    Args:
        detail: For people.
        after_s: What the gateway asks for, seconds; None: not told.
    """

    def __init__(self, detail: str, after_s: float | None = None) -> None:
        super().__init__("UNREACHABLE", detail)
        self.after_s = after_s


class Exchange:
    """One connection pool to one gateway.

    Args:
        url: Base address with version, e.g. ``https://gw.example:8443/v1``.
        token: Gives the bearer token; asked at every call, so that a changed file counts at once.
        clock: Time of all deadlines.
        tls: TLS context; None: the system's trust.
        on_heard: Called whenever the gateway itself has answered.
        fences: Which of several gateways is followed.
    """

    def __init__(
        self,
        url: str,
        token: Callable[[], str],
        clock: Clock,
        tls: ssl.SSLContext | None,
        on_heard: Callable[[], None],
        fences: Fences | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._clock = clock
        self._on_heard = on_heard
        self.fences = fences or Fences()
        connector = aiohttp.TCPConnector(ssl=tls if tls is not None else True)
        self._http = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=("Accept-Encoding", "User-Agent"),
        )

    async def ask(
        self, method: str, path: str, body: bytes | None = None, *, tag: str = "", deadline_s: float
    ) -> Answer:
        """Make one attempt.

        Raises:
            BackLaterError: no answer, or one that asks to come back.
            Refused: an answer that will not change.
        """
        headers = {"Accept": "application/json", **self._authorised()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if tag:
            headers["If-None-Match"] = tag
        try:
            async with (
                self._clock.timeout(deadline_s),
                self._http.request(
                    method, self._url + path, data=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                found = await _read(answer)
        except TimeoutError:
            raise BackLaterError(f"no answer within {deadline_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise BackLaterError(type(error).__name__) from None
        self._judge(answer)
        if answer.status < 300 or answer.status == 304:
            self._on_heard()
            return Answer(status=answer.status, body=found, tag=answer.headers.get("ETag", ""))
        raise self._refusal(answer, found)

    async def insist(
        self, method: str, path: str, body: bytes | None, *, back_off: BackOff, deadline_s: float
    ) -> Answer:
        """Try again until the deadline.

        Raises:
            Refused: what the gateway said; ``UNREACHABLE`` when it said nothing in time.
        """
        until_s = self._clock.elapsed_s() + deadline_s
        failures = 0
        while True:
            left = until_s - self._clock.elapsed_s()
            try:
                return await self.ask(method, path, body, deadline_s=max(left, 0.001))
            except BackLaterError as error:
                failures += 1
                wait = max(back_off.delay_s(failures), error.after_s or 0.0)
                if self._clock.elapsed_s() + wait >= until_s:
                    problem = Problem(status=0, reason="UNREACHABLE", detail=error.detail)
                    raise Refused(problem) from None
                await self._clock.sleep_until(self._clock.now() + timedelta(seconds=wait))

    async def open(self, path: str, *, deadline_s: float) -> aiohttp.ClientResponse:
        """Open a stream; the caller closes it. Raises as ``ask``."""
        headers = {"Accept": "text/event-stream", **self._authorised()}
        try:
            async with self._clock.timeout(deadline_s):
                answer = await self._http.get(
                    self._url + path, headers=headers, allow_redirects=False
                )
                if answer.status == 200:
                    return self._followed(answer)
                found = await _read(answer)
                answer.release()
        except TimeoutError:
            raise BackLaterError(f"no stream within {deadline_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise BackLaterError(type(error).__name__) from None
        self._judge(answer)
        raise self._refusal(answer, found)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    def _authorised(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token()}", **self.fences.header}

    def _followed(self, stream: aiohttp.ClientResponse) -> aiohttp.ClientResponse:
        if not self.fences.take(stream.headers.get(HEADER, "")):
            stream.close()
            raise BackLaterError(STALE)
        return stream

    def _judge(self, answer: aiohttp.ClientResponse) -> None:
        """Pass over an answer of a gateway that another one has fenced off; what it took counts for nothing."""
        if not self.fences.take(answer.headers.get(HEADER, "")):
            raise BackLaterError(STALE)

    def _refusal(self, answer: aiohttp.ClientResponse, body: bytes) -> BackLaterError | Refused:
        problem = read_problem(answer.status, body)
        if problem is None or answer.status in _BACK_LATER:
            # A refusal without a problem document is not the gateway's: a proxy stands between, and it may go away.
            return BackLaterError(f"answer {answer.status}", _after_s(answer))
        self._on_heard()
        return Refused(problem)


def _after_s(answer: aiohttp.ClientResponse) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return (
        float(min(int(text), 3600)) if text.isascii() and text.isdigit() and len(text) < 9 else None
    )


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in answer.content.iter_chunked(1 << 16):
        size += len(part)
        if size > LARGEST:
            answer.close()
            raise aiohttp.ClientPayloadError(f"an answer may have {LARGEST} bytes here")
        parts.append(part)
    return b"".join(parts)
