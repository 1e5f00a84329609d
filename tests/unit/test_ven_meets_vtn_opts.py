"""Our VEN and our VTN about opts and the VTN's reports, in virtual time: what one promises, the other finds."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

import pytest

from gateway.domain.names import SiteId
from gateway.domain.opting import OptSchedule, Window
from gateway.domain.participation import Opt
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.asks import State
from gateway.protocols.oadr2b.options import VenOptions, VtnReport
from gateway.protocols.oadr2b.server import Vtn
from gateway.protocols.oadr2b.ven_snapshot import read_state
from gateway.protocols.oadr2b.vtn_book import Turn, VtnOptions
from gateway.protocols.oadr2b.vtn_records import OptRecord, OptState, SupplyRecord
from tests.fakes import CountedIds
from tests.oadr2b_world import (
    HOUR,
    KILOWATT,
    MINUTE,
    NOW,
    UTILITY,
    Reply,
    ScriptedVtn,
    World,
    decision,
    event,
)

SERVICES: Final = {
    "Poll": "OadrPoll",
    "Event": "EiEvent",
    "Report": "EiReport",
    "Registration": "EiRegisterParty",
    "Response": "EiRegisterParty",
    "Opt": "EiOpt",
}


@dataclass
class OurVtn(ScriptedVtn):
    """The project's own VTN behind the scripted one's door."""

    vtn: Vtn = field(
        default_factory=lambda: Vtn(
            VtnOptions(vtn_id="vtn-1", poll_every=timedelta(seconds=10)), CountedIds(1000)
        )
    )

    def answer(self, request: wire.Message) -> Reply:
        """Answer as the VTN does."""
        ending = next(end for end in SERVICES if type(request).__name__.endswith(end))
        return self.take(self.vtn.on_message(SERVICES[ending], request, "", self.now)).reply

    def take(self, turn: Turn) -> Turn:
        """Make a turn count."""
        self.vtn.take(turn)
        return turn


def both(**options: object) -> tuple[World, OurVtn]:
    vtn = OurVtn()
    settings = VenOptions(query_first=True, **options)
    world = World(options=settings, vtn=vtn)
    world.run(20 * timedelta(seconds=1))
    return world, vtn


def schedule(opt_id: str, opt: Opt = Opt.OUT, **changes: object) -> OptSchedule:
    made = OptSchedule(
        opt_id=opt_id,
        utility=UTILITY,
        opt=opt,
        reason="economic",
        windows=(Window(start=NOW + HOUR, end=NOW + 2 * HOUR),),
        created_at=NOW,
        by="operator:alice",
    )
    return replace(made, **changes)  # type: ignore[arg-type] # test shorthand


def standing(vtn: OurVtn, now_of: World) -> list[tuple[str, str]]:
    page = vtn.vtn.page(now_of.now)
    return [
        (record.opt.opt_id, str(record.opt.opt_type))
        for ven in page.vens()
        for record in page.all(OptRecord, ven.ven_id)
        if record.state is OptState.STANDING
    ]


@pytest.mark.spec("OpenADR 2.0b cases P1_2010, P1_2015, P1_2020")
@pytest.mark.parametrize("end", [NOW + 2 * HOUR, None])
def test_a_schedule_stands_at_the_vtn_until_it_is_taken_back(end: object) -> None:
    world, vtn = both()
    told = schedule("o1", windows=(Window(start=NOW + HOUR, end=end),))  # type: ignore[arg-type]
    world.hand(told)
    world.run(MINUTE)
    assert standing(vtn, world) == [("o1", "optOut")]

    world.hand(replace(told, cancelled_at=world.now))
    world.run(MINUTE)

    assert standing(vtn, world) == []
    assert world.facts[-1].fields["state"] == "gone"


@pytest.mark.spec("OpenADR 2.0b case P1_2030", "OpenADR 2.0b rule 203")
def test_schedules_of_both_opts_stand_side_by_side() -> None:
    world, vtn = both()
    world.hand(schedule("in", Opt.IN, sites=(SiteId("phx-1"),)))
    world.hand(schedule("out", Opt.OUT, sites=(SiteId("phx-2"),)))
    world.run(MINUTE)

    assert standing(vtn, world) == [("in", "optIn"), ("out", "optOut")]


@pytest.mark.spec("OpenADR 2.0b case E1_1060", "OpenADR 2.0b rules 16, 17, 206")
def test_an_opt_for_one_site_of_an_event_is_taken() -> None:
    world, vtn = both()
    vtn.take(vtn.vtn.publish(event("e1", target=wire.EiTarget()), (), world.now))
    world.run(MINUTE)
    world.hand(replace(decision("e1", 0, Opt.OUT, world.now), sites=(SiteId("phx-1"),)))
    world.run(MINUTE)

    (told,) = world.of(wire.OadrCreateOpt)
    assert told.qualified_event_id == wire.QualifiedEventId(event_id="e1", modification_number=0)
    assert "opt_refused" not in world.words()


def supplies(vtn: OurVtn, world: World) -> int:
    page = vtn.vtn.page(world.now)
    return sum(len(list(page.all(SupplyRecord, ven.ven_id))) for ven in page.vens())


def offered() -> wire.OadrReport:
    return wire.OadrReport(
        duration=HOUR,
        oadr_report_descriptions=(
            wire.OadrReportDescription(
                r_id="grid",
                report_type="usage",
                reading_type="Direct Read",
                item_base=KILOWATT,
                oadr_sampling_rate=wire.OadrSamplingRate(
                    oadr_min_period=MINUTE, oadr_max_period=HOUR, oadr_on_change=False
                ),
            ),
        ),
        report_request_id="0",
        report_specifier_id="grid-usage",
        report_name="METADATA_TELEMETRY_USAGE",
        created_date_time=NOW,
    )


@pytest.mark.spec("OpenADR 2.0b cases R1_3070, R1_3080, R1_3100")
def test_a_report_of_the_vtn_is_asked_for_delivered_kept_and_cancelled() -> None:
    wish = VtnReport(specifier="grid-usage", granularity=MINUTE, every=2 * MINUTE)
    world, vtn = both(vtn_reports=(wish,), ask_vtn_metadata=True)
    vtn.take(vtn.vtn.offer((offered(),), world.now))
    world.run(MINUTE)
    for _ in range(8):
        vtn.take(vtn.vtn.record_value("grid-usage", "grid", world.now, Decimal(7), world.now))
        world.run(MINUTE)

    values = {v.value for r in world.received for v in r.values}
    acknowledged = {m.ei_response.response_code for m in world.of(wire.OadrUpdatedReport)}
    assert "7" in values
    assert acknowledged == {"200"}
    assert len(world.received) >= 3
    assert {v.unit for r in world.received for v in r.values} == {"kW"}

    assert supplies(vtn, world) == 1
    world.options = VenOptions(query_first=True)
    world.restart()
    world.run(MINUTE)

    assert supplies(vtn, world) == 0
    assert world.saved is not None
    assert State.RUNNING not in {one.state for one in read_state(world.saved).asked.values()}
    before = len(world.received)
    world.run(10 * MINUTE)
    assert len(world.received) == before
