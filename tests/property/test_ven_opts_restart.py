"""A VEN that dies at any instant tells every schedule, opt and request once in effect, and keeps every value."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

import pytest

from gateway.domain.names import SiteId
from gateway.domain.opting import OptSchedule, Window
from gateway.domain.participation import Opt
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.options import VenOptions, VtnReport
from gateway.protocols.oadr2b.ven_snapshot import read_state
from tests.oadr2b_world import (
    HOUR,
    KILOWATT,
    MINUTE,
    NOW,
    UTILITY,
    Dice,
    Reply,
    ScriptedVtn,
    World,
    decision,
    event,
    listing,
)

OUT: Final = OptSchedule(
    opt_id="out",
    utility=UTILITY,
    opt=Opt.OUT,
    reason="economic",
    windows=(Window(start=NOW + HOUR, end=NOW + 2 * HOUR),),
    created_at=NOW,
    by="operator:alice",
)
TAKEN_BACK: Final = replace(OUT, opt_id="in", opt=Opt.IN)
OFFER: Final = wire.OadrReport(
    duration=HOUR,
    oadr_report_descriptions=(
        wire.OadrReportDescription(
            r_id="grid", report_type="usage", reading_type="Direct Read", item_base=KILOWATT
        ),
    ),
    report_request_id="0",
    report_specifier_id="grid-usage",
    report_name="METADATA_TELEMETRY_USAGE",
    created_date_time=NOW,
)


@dataclass
class CountingVtn(ScriptedVtn):
    """Remembers opts by their ids as rule 204 has it, and repeats data until it is acknowledged."""

    opts: dict[str, str] = field(default_factory=dict)
    sites: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Resources of an event -> what was last said for them."""
    supplied: str = ""
    """Our request, once it was made."""
    offers: bool = False
    data: list[wire.OadrUpdateReport] = field(default_factory=list)

    def answer(self, request: wire.Message) -> Reply:
        """Answer, and take note."""
        match request:
            case wire.OadrCreateOpt() if request.qualified_event_id is None:
                self.opts[request.opt_id] = str(request.opt_type)
            case wire.OadrCreateOpt():
                self.sites[request.ei_target.resource_ids] = str(request.opt_type)
            case wire.OadrCancelOpt():
                self.opts.pop(request.opt_id, None)
            case wire.OadrCreateReport():
                self.supplied = request.oadr_report_requests[0].report_request_id
            case wire.OadrRegisteredReport():
                self.offers = False
            case wire.OadrUpdatedReport():
                if self.data and request.ei_response.request_id == self.data[0].request_id:
                    self.data.pop(0)
            case wire.OadrPoll() if self.offers:
                return wire.OadrRegisterReport(request_id="m", oadr_reports=(OFFER,))
            case wire.OadrPoll() if self.data and not self.queue:
                return self.data[0]
            case _:
                pass
        return super().answer(request)

    def supply(self, minute: int) -> None:
        """Owe the VEN one value."""
        payload = wire.OadrReportPayload(r_id="grid", payload_float=Decimal(minute))
        interval = wire.ReportInterval(
            dtstart=NOW + minute * MINUTE, duration=MINUTE, oadr_report_payloads=(payload,)
        )
        report = wire.OadrReport(
            dtstart=NOW + minute * MINUTE,
            intervals=(interval,),
            report_request_id=self.supplied,
            report_specifier_id="grid-usage",
            report_name="TELEMETRY_USAGE",
            created_date_time=NOW,
        )
        self.data.append(wire.OadrUpdateReport(request_id=f"u{minute}", oadr_reports=(report,)))


def live(crash: Callable[[], str]) -> tuple[World, CountingVtn]:
    """Live through two schedules, one of them taken back, an opt for one site, and two values of the VTN's."""
    vtn = CountingVtn(offers=True)
    wish = VtnReport(specifier="grid-usage", granularity=MINUTE, every=MINUTE)
    world = World(
        options=VenOptions(query_first=False, vtn_reports=(wish,)),
        vtn=vtn,
        dice=Dice(),
        crash=crash,
    )
    world.run(MINUTE)
    for told in (OUT, TAKEN_BACK):
        world.hand(told)
    vtn.events = [event("e1", start=NOW + 10 * HOUR)]
    vtn.queue.append(listing(*vtn.events))
    world.run(MINUTE)
    world.hand(replace(TAKEN_BACK, cancelled_at=NOW + MINUTE))
    site = SiteId("phx-1")
    world.hand(replace(decision("e1", 0, Opt.OUT, NOW), sites=(site,)))
    world.run(MINUTE)
    world.hand(replace(decision("e1", 0, Opt.IN, NOW + MINUTE), sites=(site,)))
    for minute in range(2):
        vtn.supply(minute)
        world.run(MINUTE)
    world.run(2 * MINUTE)
    return world, vtn


def check(world: World, vtn: CountingVtn) -> None:
    assert vtn.opts == {"out": "optOut"}
    assert vtn.sites == {("phx-1",): "optIn"}
    assert vtn.data == []
    kept = {v.start: v.value for received in world.received for v in received.values}
    assert kept == {NOW: "0", NOW + MINUTE: "1"}
    assert world.saved is not None
    left = read_state(world.saved)
    assert not left.outbox
    assert {one.state for one in left.asked.values()} == {"running"}
    assert {one.state for one in left.opts.values()} == {"held"}


@pytest.mark.spec("OpenADR 2.0b case CFX2B-OPT-03")
def test_the_calm_life_is_as_it_should_be() -> None:
    world, vtn = live(lambda: "")

    check(world, vtn)
    assert len(world.of(wire.OadrCreateOpt)) == 4
    assert len(world.of(wire.OadrCancelOpt)) == 1
    assert len(world.of(wire.OadrCreateReport)) == 1
    assert len(world.received) == 2


@pytest.mark.slow
@pytest.mark.spec("OpenADR 2.0b case CFX2B-OPT-03")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_dying_at_any_instant_leaves_the_same_at_the_vtn(moment: str) -> None:
    turns = 0

    def count() -> str:
        nonlocal turns
        turns += 1
        return ""

    live(count)
    assert turns > 50
    for fatal in range(1, turns + 1):
        passed = 0

        def crash(fatal: int = fatal) -> str:
            nonlocal passed
            passed += 1
            return moment if passed == fatal else ""

        world, vtn = live(crash)

        assert world.crashes == 1
        check(world, vtn)


@pytest.mark.slow
def test_an_outage_of_an_hour_loses_no_word() -> None:
    world, vtn = live(lambda: "")
    later = replace(OUT, opt_id="later", windows=(Window(start=NOW + 9 * HOUR, end=None),))
    for kind in (wire.OadrCreateOpt, wire.OadrPoll, wire.OadrCancelOpt):
        vtn.script(kind, *["TIMEOUT"] * 40)
    world.hand(later)
    world.hand(replace(OUT, cancelled_at=world.now))
    world.run(timedelta(minutes=30))
    assert world.of(wire.OadrCancelOpt)[-1].opt_id == "in"  # the order is kept
    vtn.scripts.clear()
    world.restart()
    world.run(5 * MINUTE)

    assert vtn.opts == {"later": "optOut"}
