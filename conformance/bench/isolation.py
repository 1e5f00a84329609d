"""One utility fails in every way; is the other one slowed?

One gateway as a process of its own, two utilities. The good one hands out a new version of an event at every poll; what
is measured is the time from its answer's last byte to the gateway's next request: decoded, judged, made into an intent
and a plan, and durable. With and without the fault at the other one in turn; the median of five pairs counts.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Final

from conformance.bench.decode2b import document
from conformance.bench.hostile_documents import DOCUMENTS
from conformance.bench.machine import machine
from conformance.bench.rig import PROGRAM, Rig, rigged
from conformance.faults.exchange import Exchange
from conformance.faults.fault import Fault, Layer
from conformance.faults.http import XML
from conformance.faults.registry import FAULTS
from conformance.faults.wire import answer
from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import EiResponse, OadrDistributeEvent, OadrResponse
from gateway.transport.schemas import load_oadr20b_schema

PAIRS: Final = 5
PHASE_S: Final = 1.5
"""Real seconds at least with the fault, and as many without."""
LONGEST_S: Final = 20.0
FACTOR: Final = 10.0
P50_RATIO: Final = 1.25
P50_EXTRA_MS: Final = 1.0
P99_RATIO: Final = 2.0
LEAST_SAMPLES: Final = 60
"""In a phase, which lasts until it has them; fewer say nothing about a percentile."""
STRUCK: Final = (
    "refuse",
    "black_hole",
    "delay",
    "drip_body",
    "empty_200",
    "http_503_seconds",
    "http_302",
    "gzip_bomb",
    "body_2_gib",
    "tls_wrong_ca",
    "tls_stall",
    "xml_attributes",
)
"""What the bad utility does: it is down, silent, slow, endless, a stranger, and poisonous."""
DOWN_AT_START: Final = "refuse"
"""Also struck by this before the gateway starts, so that it begins without that utility."""
GOOD: Final = "good"
BAD: Final = "bad"
_CODEC: Final = Codec(load_oadr20b_schema())


@dataclass
class Feed:
    """Hands out a new version of one event at every poll, and takes the time of what follows."""

    samples: list[float] = field(default_factory=list)
    """Milliseconds since the last look."""
    _version: int = 0
    _answered_at: float = 0.0
    _model: OadrDistributeEvent = field(default_factory=lambda: document(1, 1))

    def fault(self) -> Fault:
        """Return it as something that a proxy does."""
        return Fault(name="feed", layer=Layer.XML, what="a new version", act=self._act)

    async def _act(self, exchange: Exchange, _: float) -> None:
        if self._answered_at:
            self.samples.append((perf_counter() - self._answered_at) * 1000)
        self._answered_at = 0.0
        if not exchange.request.start.split(" ")[1].endswith("/OadrPoll"):
            await exchange.line.write(answer("200 OK", (XML,), _OK).whole)
            return
        whole = answer("200 OK", (XML,), self._next()).whole
        await exchange.line.write(whole)
        self._answered_at = perf_counter()

    def _next(self) -> bytes:
        self._version += 1
        event = self._model.oadr_events[0]
        descriptor = replace(
            event.ei_event.event_descriptor,
            event_id="measured",
            modification_number=self._version,
            ei_market_context=PROGRAM,
        )
        target = replace(event.ei_event.ei_target, resource_ids=(f"site-{GOOD}",), ven_ids=())
        changed = replace(event.ei_event, event_descriptor=descriptor, ei_target=target)
        return _CODEC.encode(
            replace(
                self._model,
                request_id=f"v{self._version}",
                vtn_id=f"vtn-{GOOD}",
                oadr_events=(replace(event, ei_event=changed),),
            )
        )

    def look(self) -> list[float]:
        """Return the samples since the last look; the pause between two polls is none of them."""
        found, self.samples = self.samples, []
        return [sample for sample in found if sample < _PAUSE_MS]


_OK: Final = _CODEC.encode(OadrResponse(ei_response=EiResponse(request_id="")))
_LOOK_S: Final = 0.5
_PAUSE_MS: Final = 600.0
"""The queue is left after fifty polls until the next period, a second later; that wait is not the gateway's work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What one stretch of time gave."""

    p50_ms: float
    p99_ms: float
    samples: int

    @classmethod
    def of(cls, samples: list[float]) -> "Phase":
        """Take the percentiles.

        Raises:
            MisuseError: ``BENCH`` when there are too few.
        """
        if len(samples) < LEAST_SAMPLES:
            raise MisuseError("BENCH", f"{len(samples)} samples in a phase say nothing")
        cuts = quantiles(samples, n=100, method="inclusive")
        return cls(p50_ms=cuts[49], p99_ms=cuts[98], samples=len(samples))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One stretch without the fault and the next with it."""

    without: Phase
    struck: Phase


def measure() -> dict[str, object]:
    """Run the bench.

    Returns:
        ``faults.{name}.{p50_ms, p50_struck_ms, p99_ms, p99_struck_ms, p99_ratio, struck, samples, good}``, whether
        all are good, and ``machine``. Beside it ``heavy``: a utility that by right hands out a thousand events over
        and over, as fast as it is asked. That is work, not a fault, and shares processor and store with everybody.
    """
    with tempfile.TemporaryDirectory(prefix="gridgate-isolation-") as folder:
        found = asyncio.run(_all(Path(folder), [FAULTS[name] for name in STRUCK]))
        found[f"{DOWN_AT_START}_at_start"] = asyncio.run(_down_at_start(Path(folder)))
        heavy = asyncio.run(_all(Path(folder), list(DOCUMENTS[:1])))
    return {
        "faults": found,
        "heavy": heavy,
        "good": all(figures["good"] for figures in found.values()),
        "machine": machine(),
    }


async def _all(folder: Path, wanted: list[Fault]) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for fault in wanted:
        here = _made(folder, fault.name)
        async with rigged(here, [GOOD, BAD], factor=FACTOR) as rig:
            found[fault.name] = await judged(rig, fault)
        _say(fault.name, found[fault.name])
    return found


async def _down_at_start(folder: Path) -> dict[str, object]:
    fault, name = FAULTS[DOWN_AT_START], f"{DOWN_AT_START}_at_start"
    here = _made(folder, name)
    async with rigged(here, [GOOD, BAD], factor=FACTOR, down={BAD: fault}) as rig:
        found = await judged(rig, fault)
    _say(name, found)
    return found


def _say(name: str, found: Mapping[str, object]) -> None:
    sys.stderr.write(
        f"isolation {name}: p50 {found['p50_ms']} -> {found['p50_struck_ms']} ms, "
        f"p99 {found['p99_ms']} -> {found['p99_struck_ms']} ms\n"
    )
    sys.stderr.flush()


def _made(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


async def judged(rig: Rig, fault: Fault, pairs: int = PAIRS) -> dict[str, object]:
    """Measure one fault at the bad utility."""
    good, bad = rig.utilities
    feed = Feed()
    await good.strike(feed.fault())
    await _phase(rig, feed)  # what is loaded and compiled at first is nobody's fault
    before = len(bad.proxy.passed)
    found = []
    for number in range(pairs):
        # In turn first: what grows with the run, a long log for one, is laid at neither's door.
        order = (None, fault) if number % 2 == 0 else (fault, None)
        phases: dict[Fault | None, Phase] = {}
        for what in order:
            await bad.strike(what)
            phases[what] = Phase.of(await _phase(rig, feed))
        found.append(Pair(without=phases[None], struck=phases[fault]))
    return _figures(found, bad.passed(before, struck=True))


async def _phase(rig: Rig, feed: Feed) -> list[float]:
    feed.look()
    found: list[float] = []
    began = perf_counter()
    while (spent := perf_counter() - began) < PHASE_S or len(found) < LEAST_SAMPLES:
        await rig.sleep(_LOOK_S * FACTOR)
        found += feed.look()
        if spent > LONGEST_S:
            break
    return found


def _figures(pairs: list[Pair], struck: int) -> dict[str, object]:
    def middle(of: Callable[[Pair], float]) -> float:
        return round(median(of(pair) for pair in pairs), 2)

    excess = middle(lambda pair: pair.struck.p50_ms - P50_RATIO * pair.without.p50_ms)
    ratio = middle(lambda pair: pair.struck.p99_ms / pair.without.p99_ms)
    return {
        "p50_ms": middle(lambda pair: pair.without.p50_ms),
        "p50_struck_ms": middle(lambda pair: pair.struck.p50_ms),
        "p99_ms": middle(lambda pair: pair.without.p99_ms),
        "p99_struck_ms": middle(lambda pair: pair.struck.p99_ms),
        "p99_ratio": ratio,
        "struck": struck,
        "samples": sum(pair.without.samples + pair.struck.samples for pair in pairs),
        "good": struck > 0 and excess <= P50_EXTRA_MS and ratio <= P99_RATIO,
    }
