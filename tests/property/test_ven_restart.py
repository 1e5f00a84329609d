"""A VEN that dies at any instant, before or after it has sent, ends with the same answers, draws and reports."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import pytest

from gateway.domain.event import GridEvent
from gateway.domain.participation import Opt
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.ven_snapshot import read_state
from tests.oadr2b_world import (
    HOUR,
    MINUTE,
    NOW,
    Dice,
    Reply,
    ScriptedVtn,
    World,
    cancelled,
    event,
    listing,
)

POWER: Final = "phx-1.it_load.power"
REQUEST: Final = wire.OadrReportRequest(
    report_request_id="q1",
    report_specifier=wire.ReportSpecifier(
        report_specifier_id="telemetry-usage",
        granularity=MINUTE,
        report_back_duration=MINUTE,
        report_interval=wire.WsCalendarInterval(dtstart=NOW + MINUTE, duration=4 * MINUTE),
        specifier_payloads=(wire.SpecifierPayload(r_id=POWER),),
    ),
)


@dataclass
class PatientVtn(ScriptedVtn):
    """Repeats what was not answered, as section 8.6 asks of a VTN."""

    news: bool = False
    wants_report: bool = False
    answered: dict[str, int] = field(default_factory=dict)

    def answer(self, request: wire.Message) -> Reply:
        """Return the answer, and take note of answers to us."""
        match request:
            case wire.OadrPoll() if self.wants_report:
                return wire.OadrCreateReport(request_id="c1", oadr_report_requests=(REQUEST,))
            case wire.OadrPoll() if self.news:
                self.news = False
                return listing(*self.events, request_id="polled")
            case wire.OadrCreatedReport():
                self.wants_report = False
            case wire.OadrCreatedEvent():
                for each in request.event_responses:
                    known = each.qualified_event_id
                    self.answered[known.event_id] = known.modification_number
            case _:
                pass
        return super().answer(request)

    def announce(self, *events: wire.OadrEvent) -> None:
        """List these events from now on."""
        self.events = list(events)
        self.news = True


@dataclass(frozen=True)
class Outcome:
    """What the world has seen in the end."""

    inside: frozenset[tuple[str, int, bool, timedelta]]
    answers: frozenset[tuple[str, int, str, str]]
    reports: tuple[object, ...]
    registrations: int
    open_state: tuple[bool, ...]


def opt_of(found: GridEvent) -> Opt:
    return Opt.OUT if found.event_id == "b" else Opt.IN


def live(crash: Callable[[], str]) -> World:
    """Live through registration, three events, a change, a cancellation, a vanishing, and a report."""
    vtn = PatientVtn()
    world = World(
        options=VenOptions(query_first=False),
        vtn=vtn,
        dice=Dice(),
        decide=opt_of,
        crash=crash,
    )
    a = event("a", start=NOW + HOUR, startafter=5 * MINUTE)
    b, c = event("b", start=NOW + 3 * HOUR), event("c", start=NOW + 5 * HOUR)
    world.run(20 * timedelta(seconds=1))
    vtn.announce(a, b, c)
    vtn.wants_report = True
    world.run(MINUTE)
    vtn.announce(event("a", 1, start=NOW + 2 * HOUR, startafter=5 * MINUTE), b, c)
    world.run(MINUTE)
    vtn.announce(event("a", 1, start=NOW + 2 * HOUR, startafter=5 * MINUTE), cancelled(b), c)
    world.run(MINUTE)
    vtn.announce(event("a", 1, start=NOW + 2 * HOUR, startafter=5 * MINUTE))
    world.run(5 * MINUTE)
    return world


def outcome(world: World) -> Outcome:
    updates = {message.request_id: message for message in world.of(wire.OadrUpdateReport)}
    creates = [
        s.body for s in world.sent if isinstance(s.message, wire.OadrCreatePartyRegistration)
    ]
    assert world.saved is not None
    left = read_state(world.saved)
    return Outcome(
        inside=frozenset(
            (str(e.event_id), e.version, e.cancelled_at is not None, e.offset)
            for e in world.emitted
        ),
        answers=frozenset(each[:4] for each in world.responses()),
        reports=tuple(
            interval.dtstart
            for update in updates.values()
            for report in update.oadr_reports
            for interval in report.intervals
        ),
        registrations=len(set(creates)),
        open_state=(not left.running, not left.owed, not left.outbox),
    )


CALM: Final = outcome(live(lambda: ""))


def test_the_calm_life_is_as_it_should_be() -> None:
    assert CALM.answers == {
        ("a", 0, "200", "optIn"),
        ("a", 1, "200", "optIn"),
        ("b", 0, "200", "optOut"),
        ("b", 1, "200", "optIn"),
        ("c", 0, "200", "optIn"),
    }
    assert {each[:3] for each in CALM.inside} == {
        ("a", 0, False),
        ("a", 1, False),
        ("b", 0, False),
        ("b", 1, True),
        ("c", 0, False),
        ("c", 0, True),
    }
    assert CALM.reports == tuple(NOW + n * MINUTE for n in range(4))
    assert (CALM.registrations, CALM.open_state) == (1, (True, True, True))


@pytest.mark.slow
@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-03")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_dying_at_any_instant_changes_nothing_in_the_end(moment: str) -> None:
    turns = 0

    def count() -> str:
        nonlocal turns
        turns += 1
        return ""

    live(count)
    for fatal in range(1, turns + 1):
        passed = 0

        def crash(fatal: int = fatal) -> str:
            nonlocal passed
            passed += 1
            return moment if passed == fatal else ""

        world = live(crash)
        found = outcome(world)

        assert world.crashes == 1
        # The offset of a different draw is as good, as long as it was drawn once: versions 0 and 1 agree.
        offsets = {e.offset for e in world.emitted if e.event_id == "a"}
        assert len(offsets) == 1, fatal
        assert {each[:3] for each in found.inside} == {each[:3] for each in CALM.inside}, fatal
        assert found.answers == CALM.answers, fatal
        assert found.reports == CALM.reports, fatal
        assert (found.registrations, found.open_state) == (1, (True, True, True)), fatal


@pytest.mark.slow
def test_dying_all_the_time_still_ends_well() -> None:
    for period in (4, 5, 7, 11):
        passed = 0

        def crash(period: int = period) -> str:
            nonlocal passed
            passed += 1
            return ("before", "after")[passed // period % 2] if passed % period == 0 else ""

        world = live(crash)
        found = outcome(world)

        assert world.crashes > 5
        assert {each[:3] for each in found.inside} == {each[:3] for each in CALM.inside}
        assert found.answers == CALM.answers
        assert set(found.reports) == set(CALM.reports)
        assert found.registrations == 1
