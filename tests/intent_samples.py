"""One utility, one program, one site, one event: the cast of many tests."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from gateway.domain.event import Basis, Commodity, Direction, GridEvent, Interval, Kind, Signal
from gateway.domain.names import EventId, MeterId, SiteId, UtilityName
from gateway.domain.program import Program
from gateway.domain.protocol import ProtocolName
from gateway.domain.site import Meter, Site
from gateway.domain.timespan import Span

UTC_1600 = datetime(2025, 5, 3, 23, 0, tzinfo=UTC)
"""16:00 at the site."""
START = UTC_1600 + timedelta(minutes=30)

SITE = Site(
    site=SiteId("phx-1"),
    timezone="America/Phoenix",
    contracted_import_kw=Decimal(120),
    fail_safe_import_kw=None,
    ramp_down_kw_per_min=Decimal(10),
    ramp_up_kw_per_min=Decimal(6),
    meters=(
        Meter(meter=MeterId("it_load"), interval=timedelta(minutes=1), max_kw=Decimal(200)),
        Meter(meter=MeterId("poc"), interval=timedelta(minutes=1), max_kw=Decimal(300)),
    ),
    contract_meter=MeterId("it_load"),
)
PROGRAM = Program(
    utility=UtilityName("azp"), name="http://azp.example/dr", sites=(SiteId("phx-1"),)
)
DISPATCH = Signal(
    signal_id="s1",
    name="LOAD_DISPATCH",
    type="multiplier",
    kind=Kind.REDUCE,
    direction=Direction.DECREASE,
    commodity=Commodity.ACTIVE_POWER,
    basis=Basis.FRACTION_OF_BASELINE,
    unit="1",
    intervals=(Interval(span=Span.lasting(START, timedelta(hours=3)), value=Decimal("0.75")),),
)
EVENT = GridEvent(
    utility=UtilityName("azp"),
    protocol=ProtocolName.OADR20B,
    event_id=EventId("evt-1"),
    version=0,
    program="http://azp.example/dr",
    created_at=UTC_1600 + timedelta(seconds=30),
    received_at=UTC_1600 + timedelta(seconds=31),
    start=START,
    duration=timedelta(hours=3),
    signals=(DISPATCH,),
    ramp_in=timedelta(minutes=15),
    recovery=timedelta(minutes=30),
    notice=timedelta(minutes=30),
    source={"eventID": "evt-1", "modificationNumber": "0"},
    raw_sha256="0" * 64,
)
