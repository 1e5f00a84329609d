"""Requests by which a site, or somebody with a site's token, may try to burden the gateway."""

import asyncio
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from conformance.bench.rig import ORIGIN, Child
from gateway.domain.timespan import instant_text

_MIB: Final = 1 << 20
_PATIENCE_S: Final = 20.0
TELEMETRY: Final = "/v1/sites/{site}/telemetry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One hostile request."""

    name: str
    make: Callable[[], bytes]
    path: str = TELEMETRY
    headers: tuple[tuple[str, str], ...] = ()
    announced: int | None = None
    """Content-Length, where it is not the true one."""
    count: int = 1
    """How many are sent at the same time, over connections of their own."""


def _telemetry(samples: int) -> bytes:
    """Return a batch of one-minute samples that end where the timeline begins."""
    found = [
        {
            "meter": "poc",
            "start": instant_text(ORIGIN - timedelta(minutes=1 + number)),
            "duration": "PT60S",
            "energy_kwh": "1.5",
        }
        for number in range(samples)
    ]
    return json.dumps({"batch_id": f"batch-{samples}", "samples": found}).encode()


BODIES: Final = (
    Body(name="body_samples", make=lambda: _telemetry(5_000)),
    Body(name="body_deep", make=lambda: b"[" * 500_000 + b"]" * 500_000),
    Body(name="body_deep_objects", make=lambda: b'{"a":' * 150_000 + b"1" + b"}" * 150_000),
    Body(
        name="body_many_keys",
        make=lambda: b"{%s}" % b",".join(b'"k%d":0' % n for n in range(90_000)),
    ),
    Body(name="body_same_key", make=lambda: b"{%s}" % b",".join([b'"k":0'] * 170_000)),
    Body(name="body_numbers", make=lambda: b"[%s]" % b",".join([b"1e999"] * 170_000)),
    Body(name="body_long_number", make=lambda: b"1" * (_MIB - 10)),
    Body(name="body_long_text", make=lambda: b'"%s"' % (b"\\u0041" * 170_000)),
    Body(name="body_surrogates", make=lambda: b'["%s"]' % (b"\\ud800" * 170_000)),
    Body(name="body_empty_objects", make=lambda: b"[%s]" % b",".join([b"{}"] * 340_000)),
    Body(name="body_binary", make=lambda: bytes(range(256)) * 4000),
    Body(name="body_too_large", make=lambda: b" " * (32 * _MIB)),
    Body(name="body_announced", make=lambda: b"", announced=1 << 40),
    Body(
        name="body_gzip",
        make=lambda: gzip.compress(b" " * (64 * _MIB)),
        headers=(("Content-Encoding", "gzip"),),
    ),
    Body(name="body_many_headers", make=lambda: b"{}", headers=(("X-A", "x" * 100),) * 3000),
    Body(name="body_many_at_once", make=lambda: _telemetry(5_000), count=32),
)
"""The first is an ordinary one, if a large one."""


async def send(child: Child, body: Body) -> int:
    """Send it, wait for the answer or the end of the connection, and return how many were answered or cut."""
    content = body.make()
    head = _head(child, body, len(content))
    ended = await asyncio.gather(*(_one(child, head, content) for _ in range(body.count)))
    return sum(ended)


def _head(child: Child, body: Body, length: int) -> bytes:
    lines = [
        f"POST {body.path.format(site=child.site)} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {child.token}",
        "Content-Type: application/json",
        f"Content-Length: {length if body.announced is None else body.announced}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in body.headers),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _one(child: Child, head: bytes, content: bytes) -> bool:
    parts = urlsplit(child.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(head + content)
        first = await asyncio.wait_for(reader.read(_MIB), _PATIENCE_S)  # noqa: TID251 - a guard against hanging
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    finally:
        writer.close()
    return first.startswith(b"HTTP/1.") or not first
