"""Both roles talk to each other in virtual time: what one promises, the other finds."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, TypeVar

import pytest

from gateway.domain.participation import Opt
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.server import Vtn
from gateway.protocols.oadr2b.vtn_book import Turn, VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered, Registered, Reported, Unregistered
from gateway.protocols.oadr2b.vtn_records import WantRecord
from tests.fakes import CountedIds
from tests.oadr2b_world import (
    HOUR,
    MINUTE,
    NOW,
    Reply,
    ScriptedVtn,
    World,
    event,
)

F = TypeVar("F")
SERVICES: Final = {
    "Poll": "OadrPoll",
    "Event": "EiEvent",
    "Report": "EiReport",
    "Registration": "EiRegisterParty",
    "Response": "EiRegisterParty",
}


@dataclass
class OurVtn(ScriptedVtn):
    """The project's own VTN behind the scripted one's door; a script still goes first."""

    vtn: Vtn = field(
        default_factory=lambda: Vtn(
            VtnOptions(vtn_id="vtn-1", poll_every=timedelta(seconds=10)), CountedIds(1000)
        )
    )
    facts: list[object] = field(default_factory=list)

    def answer(self, request: wire.Message) -> Reply:
        """Answer as the VTN does, remember first."""
        if self.scripts.get(type(request)):
            return super().answer(request)
        ending = next(end for end in SERVICES if type(request).__name__.endswith(end))
        return self.take(self.vtn.on_message(SERVICES[ending], request, "", self.now)).reply

    def take(self, turn: Turn) -> Turn:
        """Make a turn count."""
        self.vtn.take(turn)
        self.facts += turn.facts
        return turn

    def told(self, kind: type[F]) -> list[F]:
        """Return the facts of one kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]


def both(**keys: object) -> tuple[World, OurVtn]:
    vtn = OurVtn()
    world = World(options=VenOptions(query_first=True), vtn=vtn, **keys)  # type: ignore[arg-type] # names of fields
    world.run(20 * timedelta(seconds=1))
    return world, vtn


def at(start: datetime, version: int = 0, hours: int = 1) -> wire.OadrEvent:
    return event("e1", version, start=start, hours=hours, target=wire.EiTarget())


def answers(vtn: OurVtn) -> list[tuple[int, str, str, str]]:
    return [(a.version, a.opt.value, a.code, a.accepted) for a in vtn.told(Answered)]


@pytest.mark.spec("OpenADR 2.0b case N1_0020")
def test_a_ven_registers_offers_and_takes_what_the_vtn_offers() -> None:
    world, vtn = both()

    (registered,) = vtn.told(Registered)
    assert (registered.ven_name, registered.renewed) == ("gridgate", False)
    assert world.of(wire.OadrRegisteredReport)
    assert "registration_lost" not in world.words()


@pytest.mark.spec("OpenADR 2.0b cases E1_1030 and A_E1_0102")
def test_an_event_is_published_changed_answered_and_cancelled() -> None:
    world, vtn = both()

    vtn.take(vtn.vtn.publish(at(NOW + HOUR), (), world.now))
    world.run(MINUTE)
    vtn.take(vtn.vtn.modify(at(NOW + HOUR, hours=2), world.now))
    world.run(MINUTE)
    world.answer("e1", Opt.OUT, version=1)
    world.run(MINUTE)
    vtn.take(vtn.vtn.cancel("e1", world.now))
    world.run(MINUTE)

    assert answers(vtn) == [
        (0, "optIn", "200", "200"),
        (1, "optIn", "200", "200"),
        (1, "optOut", "200", "200"),
        (2, "optIn", "200", "200"),
    ]
    assert [e.version for e in world.emitted] == [0, 1, 2]
    assert world.emitted[-1].cancelled_at is not None


def test_a_slow_site_is_answered_for_when_it_decides_and_the_vtn_is_content() -> None:
    world, vtn = both(decide=lambda _: None)
    vtn.take(vtn.vtn.publish(at(NOW + HOUR), (), world.now))
    world.run(45 * timedelta(seconds=1))

    world.answer("e1", Opt.IN)
    before = len(world.of(wire.OadrCreatedEvent))
    world.run(5 * MINUTE)

    assert set(answers(vtn)) == {(0, "optIn", "200", "200")}
    assert len(world.of(wire.OadrCreatedEvent)) == before


def usage(
    want_id: str = "w1", back: timedelta = MINUTE, lasts: timedelta = timedelta(0)
) -> WantRecord:
    return WantRecord(
        want_id=want_id,
        report_name="TELEMETRY_USAGE",
        granularity=MINUTE,
        report_back=back,
        lasts=lasts,
    )


@pytest.mark.spec("OpenADR 2.0b case R1_3160")
@pytest.mark.parametrize("back", [MINUTE, 5 * MINUTE])
def test_reports_arrive_without_gaps_and_in_order(back: timedelta) -> None:
    world, vtn = both()
    vtn.take(vtn.vtn.want(usage(back=back), world.now))

    world.run(HOUR)

    power = [r for r in vtn.told(Reported) if r.r_id.endswith(".power")]
    assert len(power) >= 55
    assert {after.starts_at - before.starts_at for before, after in pairwise(power)} == {MINUTE}
    assert {r.value for r in power} == {300000}


@pytest.mark.spec("OpenADR 2.0b case CFX2B-RPT-02")
def test_reports_survive_an_outage_and_restarts() -> None:
    world, vtn = both()
    vtn.take(vtn.vtn.want(usage(), world.now))
    world.run(5 * MINUTE)
    vtn.script(wire.OadrPoll, *["TIMEOUT"] * 9)
    vtn.script(wire.OadrUpdateReport, *["TIMEOUT"] * 9)
    world.run(10 * MINUTE)
    world.restart()
    world.run(20 * MINUTE)

    power = [r for r in vtn.told(Reported) if r.r_id.endswith(".power")]
    assert {after.starts_at - before.starts_at for before, after in pairwise(power)} == {MINUTE}
    assert len(power) >= 34
    assert len(vtn.told(Registered)) == 1


@pytest.mark.spec("OpenADR 2.0b cases R1_3040 and R1_3045")
@pytest.mark.parametrize("follow", [False, True])
def test_a_wish_that_is_dropped_ends_its_reports(follow: bool) -> None:
    world, vtn = both()
    vtn.take(vtn.vtn.want(usage(back=5 * MINUTE), world.now))
    world.run(7 * MINUTE)

    vtn.take(vtn.vtn.unwant("w1", world.now, to_follow=follow))
    world.run(30 * MINUTE)

    assert world.saved is not None
    assert b'"running":[]' in world.saved
    assert len(world.of(wire.OadrUpdateReport)) == (2 if follow else 1)


@pytest.mark.spec("OpenADR 2.0b cases N1_0040 and N1_0050")
def test_the_vtn_renews_and_ends_a_registration() -> None:
    world, vtn = both()
    ven_id = vtn.told(Registered)[0].ven_id

    vtn.take(vtn.vtn.request_reregistration(ven_id, world.now))
    world.run(MINUTE)
    renewed = vtn.told(Registered)[-1].renewed
    vtn.take(vtn.vtn.cancel_registration(ven_id, world.now))
    world.run(MINUTE)
    polls = len(world.of(wire.OadrPoll))
    world.run(10 * MINUTE)

    assert renewed
    assert [u.by for u in vtn.told(Unregistered)] == ["vtn"]
    assert len(world.of(wire.OadrPoll)) == polls
    world.run(10 * MINUTE)
    assert len(vtn.told(Registered)) == 3


@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-02")
def test_a_vtn_that_forgot_everything_gets_all_of_it_again() -> None:
    world, vtn = both()
    vtn.take(vtn.vtn.publish(at(NOW + HOUR), (), world.now))
    world.run(MINUTE)

    vtn.vtn = OurVtn().vtn
    vtn.take(vtn.vtn.publish(replace(at(NOW + HOUR)), (), world.now))
    world.run(MINUTE)

    assert len(vtn.told(Registered)) == 2
    assert answers(vtn)[-1] == (0, "optIn", "200", "200")
    assert [e.cancelled_at for e in world.emitted] == [None]
