"""Documents that a utility may send by right and that are heavy: within every limit, or just beyond one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from conformance.bench.decode2b import document
from conformance.faults.exchange import Exchange
from conformance.faults.fault import Fault, Layer
from conformance.faults.http import XML
from conformance.faults.wire import answer
from gateway.domain.event import MOST_INTERVALS
from gateway.pipeline.board import MOST_LIVE_INTERVALS
from gateway.protocols.oadr2b.codec import Codec
from gateway.transport.schemas import load_oadr20b_schema

_CODEC: Final = Codec(load_oadr20b_schema())
_SITE: Final = "site-azp"
_COMMENT: Final = 6400
_MIB: Final = 1 << 20


def _listing(events: int, intervals: int, comment: int = 0) -> bytes:
    """Return a listing for the bench's site; events begin an hour apart."""
    found = document(events, intervals)
    return _CODEC.encode(
        replace(
            found,
            vtn_id="vtn-azp",
            oadr_events=tuple(
                replace(
                    event,
                    ei_event=replace(
                        event.ei_event,
                        ei_target=replace(
                            event.ei_event.ei_target, resource_ids=(_SITE,), ven_ids=()
                        ),
                        event_descriptor=replace(
                            event.ei_event.event_descriptor, vtn_comment="x" * comment or None
                        ),
                    ),
                )
                for event in found.oadr_events
            ),
        )
    )


def many_events() -> bytes:
    """List a thousand events of one interval each."""
    return _listing(1000, 1)


def long_comments() -> bytes:
    """List a thousand events with long comments: 8 MiB."""
    return _listing(1000, 1, _COMMENT)


def many_intervals() -> bytes:
    """List one event of 12,000 intervals: more than are taken."""
    return _listing(1, 12_000)


def most_intervals() -> bytes:
    """List events as long as they may be, and one more of them than a site takes."""
    return _listing(MOST_LIVE_INTERVALS // MOST_INTERVALS + 1, MOST_INTERVALS)


def flat() -> bytes:
    """Write as many elements as are read at all."""
    return b"<a>" + b"<b/>" * 99_000 + b"</a>"


def references() -> bytes:
    """Write as many references as are read at all, in 8 MiB."""
    return b"<a>" + (b"<b>" + b"&amp;" * 50_000 + b"</b>") * 9 + b"</a>"


def attributes() -> bytes:
    """Write as many attributes as are read at all, 60 to an element."""
    names = b" ".join(b'a%d=""' % number for number in range(60))
    return b"<a>" + (b"<b " + names + b"/>") * 800 + b"</a>"


def comment() -> bytes:
    """Write one comment of 8 MiB."""
    return b"<a><!--" + b"x" * (8 * _MIB - 20) + b"--></a>"


def namespaces() -> bytes:
    """Declare thousands of namespaces, nested as deep as is read."""
    inner = b"".join(b'<n%d:a xmlns:n%d="u:%d">' % (n, n, n) for n in range(60))
    outer = b"".join(b"</n%d:a>" % n for n in reversed(range(60)))
    return b"<a>" + (inner + outer) * 700 + b"</a>"


def _instead(make: Callable[[], bytes]) -> Fault:
    async def act(exchange: Exchange, _: float) -> None:
        whole = answer("200 OK", (XML,), make()).whole
        await exchange.line.write(whole)

    what = (make.__doc__ or "").rstrip(".")
    return Fault(name=f"doc_{make.__name__}", layer=Layer.XML, what=what, act=act, harmless=True)


TAKEN: Final = tuple(map(_instead, (many_events, long_comments, many_intervals, most_intervals)))
"""Valid ones: much follows from them, and if it is only an answer."""
REFUSED: Final = tuple(map(_instead, (flat, references, attributes, comment, namespaces)))
"""XML, but no message: nothing follows."""
DOCUMENTS: Final = TAKEN + REFUSED
"""One fault each: the document in place of any answer."""
