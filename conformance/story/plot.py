"""The plot: four events, what becomes of each, and the configuration of the gateway that lives through it.

12:00  the gateway starts; the site has metered since ten
12:04  e1 is published, changed at 12:10, followed from 12:20 to 12:36 and settled
12:05  e2 is published and taken back at 12:13, before it began
12:06  e3 is published; the site stays silent, so the declared default is answered
12:07  e4 is published; the site refuses
12:15  the utility is away for two and a half minutes
12:18  the site loses its place in the stream
12:19  a timer is due that nobody knows
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from conformance.soak.history import Opt
from gateway.domain.timespan import Span
from gateway.pipeline.records import Timer
from gateway.protocols.oadr2b.messages import SignalType
from gateway.protocols.oadr2b.vtn_records import WantRecord

START: Final = datetime(2026, 7, 1, 12, tzinfo=UTC)
END: Final = START + timedelta(minutes=47)
"""Everything is settled by then, also after a restart."""
PATIENCE: Final = timedelta(minutes=5)
"""Two polls, a back-off and a restart: within it everything must have got through."""
POLL: Final = timedelta(minutes=2)
OPT_BY: Final = timedelta(minutes=2)
SITE: Final = "phx-1"
METER: Final = "it_load"
MARKET: Final = "http://utility.example/demand-response"
VTN_ID: Final = "VTN-STORY"
SAMPLE: Final = timedelta(minutes=5)
"""Interval of the meter."""
METERED_SINCE: Final = START - timedelta(hours=2)
FORGETS_AT: Final = START + timedelta(minutes=18)
"""The site loses its place in the stream."""
AWAY: Final = Span.lasting(START + timedelta(minutes=15), timedelta(seconds=150))
"""The utility does not answer."""
UNKNOWN_TIMER: Final = Timer(
    key="lease:gone", kind="lease", subject="gone", due_at=START + timedelta(minutes=19)
)
"""A row that another version left behind; its neighbours must not suffer for it."""
REPORT: Final = WantRecord(
    want_id="usage",
    report_name="TELEMETRY_USAGE",
    granularity=SAMPLE,
    report_back=timedelta(minutes=10),
    lasts=timedelta(0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that the utility does: publish a version, or take an event back."""

    at: datetime
    event: EventSpec
    version: int = 0
    cancels: bool = False


def _minute(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def _event(event_id: str, start: int, lasts: int) -> EventSpec:
    step = Step(lasts=timedelta(minutes=lasts), value=Decimal("0.75"))
    return EventSpec(
        event_id=event_id,
        market_context=MARKET,
        start=_minute(start),
        signals=(SignalSpec(name="LOAD_DISPATCH", type=SignalType.MULTIPLIER, steps=(step,)),),
        notification=timedelta(minutes=10),
        resources=(SITE,),
    )


_E1, _E1_LONGER = _event("e1", 20, 12), _event("e1", 20, 16)
_E2 = _event("e2", 39, 3)
_E3 = _event("e3", 37, 2)
_E4 = _event("e4", 43, 2)
DEEDS: Final[Sequence[Deed]] = (
    Deed(at=_minute(4), event=_E1),
    Deed(at=_minute(5), event=_E2),
    Deed(at=_minute(6), event=_E3),
    Deed(at=_minute(7), event=_E4),
    Deed(at=_minute(10), event=_E1_LONGER, version=1),
    Deed(at=_minute(13), event=_E2, version=1, cancels=True),
)
WORDS: Final[dict[str, tuple[Opt, ...]]] = {"e1": ("in",), "e2": ("out", "in"), "e3": ()}
"""What the site says to an event, one word after the other; ``e4`` it refuses."""


def ends(event: EventSpec) -> datetime:
    """Return the end of an event's active period."""
    return event.start + sum((step.lasts for step in event.signals[0].steps), timedelta(0))


def configuration(folder: Path, utility: str, program: str) -> Path:
    """Write the gateway's configuration into a folder and return the file.

    Args:
        folder: Where.
        utility: What is said of the utility beside its name.
        program: Name of its program.
    """
    path = folder / "gateway.toml"
    text = _CONFIG.format(utility=utility, program=program, site=SITE, meter=METER)
    path.write_text(text, encoding="utf-8")
    return path


_CONFIG: Final = """\
[gateway]
data_dir = "data"
test_mode = true

[southbound]
port = 0
lease_s = 3600

[[site]]
id = "{site}"
timezone = "UTC"
contracted_import_kw = 150
ramp_down_kw_per_min = 50
ramp_up_kw_per_min = 50
contract_meter = "{meter}"
simulated = true

[[site.meter]]
id = "{meter}"
interval = "PT5M"
max_kw = 200

[[utility]]
name = "azp"
{utility}
[[program]]
utility = "azp"
name = "{program}"
sites = ["{site}"]
opt_by = "PT2M"
settle_after = "PT6M"
baseline_window = [{{ anchor = "start", from_min = -80, to_min = -20 }}]
price_per_kwh = 1
penalty_per_kwh = 2
"""
