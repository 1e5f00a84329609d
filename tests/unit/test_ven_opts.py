"""EiOpt by the VEN: schedules and opts for some sites of an event (catalogue cases P1_20xx, E1_1060)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.domain.names import SiteId
from gateway.domain.opting import OptSchedule, Window
from gateway.domain.participation import Opt
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.opts import State
from gateway.protocols.oadr2b.ven_recovery import recovered
from gateway.protocols.oadr2b.ven_snapshot import read_state
from tests.oadr2b_world import (
    HOUR,
    MINUTE,
    NOW,
    UTILITY,
    ScriptedVtn,
    World,
    cancelled,
    decision,
    event,
    listing,
    ok,
)

DAY = timedelta(days=1)
NONE = timedelta(0)


def schedule(
    opt_id: str = "o1",
    opt: Opt = Opt.OUT,
    *windows: Window,
    sites: tuple[str, ...] = (),
    **changes: object,
) -> OptSchedule:
    made = OptSchedule(
        opt_id=opt_id,
        utility=UTILITY,
        opt=opt,
        reason="economic",
        windows=windows or (Window(start=NOW + DAY, end=NOW + 2 * DAY),),
        sites=tuple(map(SiteId, sites)),
        created_at=NOW,
        by="operator:alice",
    )
    return replace(made, **changes)  # type: ignore[arg-type] # test shorthand


def ready(**keys: object) -> World:
    world = World(**keys)  # type: ignore[arg-type] # names of fields, checked when it is made
    world.settle()
    return world


def say(world: World, told: OptSchedule) -> None:
    world.hand(told)
    world.settle()


def creates(world: World) -> list[wire.OadrCreateOpt]:
    """Every opt told, repetitions of a message once."""
    return list({m.request_id: m for m in world.of(wire.OadrCreateOpt)}.values())


def left(world: World) -> dict[str, State]:
    assert world.saved is not None
    return {key: record.state for key, record in read_state(world.saved).opts.items()}


def facts(world: World) -> list[tuple[str, str, str]]:
    return [(f.key, f.fields["state"], f.fields["code"]) for f in world.facts]


# --- schedules


@pytest.mark.spec("OpenADR 2.0b section 8.5, rules 201, 202, 210")
def test_a_schedule_is_told_in_the_form_of_a_schedule() -> None:
    world = ready(options=VenOptions(query_first=False, resources={"R1": "phx-1"}))

    say(
        world,
        schedule(
            "o1",
            Opt.OUT,
            Window(start=NOW + DAY, end=NOW + DAY + HOUR),
            Window(start=NOW + 2 * DAY, end=None),
            sites=("phx-1", "phx-2"),
            program="http://utility.example/fast-dr",
            device_class="Managed_Commercial_and_Industrial_Loads",
        ),
    )

    (told,) = creates(world)
    assert (told.opt_id, told.opt_type, told.opt_reason) == ("o1", "optOut", "economic")
    assert told.market_context == "http://utility.example/fast-dr"
    assert told.qualified_event_id is None
    assert told.vavailability == (
        wire.WsCalendarInterval(dtstart=NOW + DAY, duration=HOUR),
        wire.WsCalendarInterval(dtstart=NOW + 2 * DAY, duration=NONE),
    )
    assert told.ei_target == wire.EiTarget(resource_ids=("R1", "phx-2"))
    assert told.oadr_device_class == wire.EiTarget(
        end_device_assets=("Managed_Commercial_and_Industrial_Loads",)
    )
    assert (told.ven_id, told.created_date_time) == ("ven-1", world.now)
    assert world.sent[-1].service == "EiOpt"
    assert left(world) == {"o1": State.HELD}
    assert facts(world) == [("o1", "held", "200")]


@pytest.mark.spec("OpenADR 2.0b rule 202")
def test_a_schedule_without_sites_names_the_whole_ven() -> None:
    world = ready()
    say(world, schedule())

    (told,) = creates(world)

    assert told.ei_target == wire.EiTarget(ven_ids=("ven-1",))
    assert (told.market_context, told.oadr_device_class) == (None, None)


@pytest.mark.spec("OpenADR 2.0b rule 309")
def test_a_schedule_waits_for_registration_and_metadata() -> None:
    vtn = ScriptedVtn()
    vtn.script(wire.OadrRegisterReport, "STATUS_500", "STATUS_500")
    world = World(vtn=vtn)
    say(world, schedule())
    world.run(MINUTE)

    kinds = [type(sent.message) for sent in world.sent]

    assert kinds.count(wire.OadrRegisterReport) == 3
    before = kinds[: kinds.index(wire.OadrCreateOpt)]
    assert before.count(wire.OadrRegisterReport) == 3


@pytest.mark.spec("OpenADR 2.0b rule 204")
def test_a_cancelled_schedule_is_taken_back_under_its_id() -> None:
    world = ready()
    say(world, schedule())
    say(world, schedule(cancelled_at=NOW))

    (taken_back,) = world.of(wire.OadrCancelOpt)

    assert (taken_back.opt_id, taken_back.ven_id) == ("o1", "ven-1")
    assert left(world) == {}
    assert facts(world)[-1] == ("o1", "gone", "200")


def test_the_same_schedule_twice_is_told_once() -> None:
    world = ready()
    for _ in range(2):
        say(world, schedule())
    for _ in range(2):
        say(world, schedule(cancelled_at=NOW))

    assert len(world.of(wire.OadrCreateOpt)) == 1
    assert len(world.of(wire.OadrCancelOpt)) == 1


@pytest.mark.spec("OpenADR 2.0b section 9.1.4")
def test_a_schedule_is_repeated_as_it_was_until_it_is_answered() -> None:
    world = ready()
    world.vtn.script(wire.OadrCreateOpt, "TIMEOUT", "STATUS_500", "STATUS_503 20", "TIMEOUT")
    say(world, schedule())
    world.run(5 * MINUTE)

    bodies = {sent.body for sent in world.sent if isinstance(sent.message, wire.OadrCreateOpt)}

    assert len(world.of(wire.OadrCreateOpt)) == 5
    assert len(bodies) == 1
    assert left(world) == {"o1": State.HELD}


def test_a_schedule_taken_back_before_it_was_answered_is_created_then_cancelled() -> None:
    world = ready()
    world.vtn.script(wire.OadrCreateOpt, "TIMEOUT", "TIMEOUT")
    say(world, schedule())
    say(world, schedule(cancelled_at=NOW))
    world.run(MINUTE)

    kinds = [
        type(s.message)
        for s in world.sent
        if isinstance(s.message, wire.OadrCreateOpt | wire.OadrCancelOpt)
    ]

    assert kinds[-2:] == [wire.OadrCreateOpt, wire.OadrCancelOpt]
    assert left(world) == {}


@pytest.mark.parametrize("code", ["452", "459", "469"])
def test_a_refused_schedule_is_not_told_again_and_said_to_be_refused(code: str) -> None:
    world = ready()
    world.vtn.script(
        wire.OadrCreateOpt, wire.OadrCreatedOpt(ei_response=ok(code=code), opt_id="o1")
    )
    say(world, schedule())
    world.run(HOUR)

    assert len(world.of(wire.OadrCreateOpt)) == 1
    assert facts(world) == [("o1", "refused", code)]
    say(world, schedule(cancelled_at=NOW))
    assert world.of(wire.OadrCancelOpt) == []


def test_a_vtn_without_the_service_is_told_once() -> None:
    world = ready()
    world.vtn.script(wire.OadrCreateOpt, *["STATUS_404"] * 3)
    say(world, schedule())
    world.run(HOUR)

    assert len(world.of(wire.OadrCreateOpt)) == 1
    assert facts(world) == [("o1", "refused", "STATUS_404")]


@pytest.mark.spec("OpenADR 2.0b rule 211")
def test_taking_back_what_the_vtn_does_not_know_is_done() -> None:
    world = ready()
    say(world, schedule())
    world.vtn.script(wire.OadrCancelOpt, wire.OadrCanceledOpt(ei_response=ok(code="452")))
    say(world, schedule(cancelled_at=NOW))

    assert left(world) == {}


def test_a_vtn_that_keeps_a_schedule_is_believed() -> None:
    world = ready()
    say(world, schedule())
    world.vtn.script(
        wire.OadrCancelOpt, wire.OadrCanceledOpt(ei_response=ok(code="451"), opt_id="o1")
    )
    say(world, schedule(cancelled_at=NOW))

    assert left(world) == {"o1": State.HELD}
    assert facts(world)[-1] == ("o1", "held", "451")


def test_a_schedule_that_is_over_is_forgotten_without_a_word() -> None:
    world = ready(options=VenOptions(query_first=False, report_buffer=MINUTE))
    say(world, schedule(windows=(Window(start=NOW + MINUTE, end=NOW + HOUR),)))
    world.run(HOUR + 2 * MINUTE)

    assert left(world) == {}
    assert world.of(wire.OadrCancelOpt) == []
    say(world, schedule("late", Opt.OUT, Window(start=NOW, end=NOW + HOUR)))
    assert len(creates(world)) == 1


@pytest.mark.spec("OpenADR 2.0b rules 407, 517")
def test_a_lost_registration_has_the_schedules_told_anew_under_their_ids() -> None:
    world = ready()
    say(world, schedule())
    say(world, schedule("o2", Opt.IN))
    say(world, schedule("o2", Opt.IN, cancelled_at=NOW))
    world.vtn.script(wire.OadrPoll, wire.OadrResponse(ei_response=ok(code="463")))
    world.vtn.ven_id, world.vtn.registration_id = "ven-9", "reg-9"
    world.run(MINUTE)

    told = [(m.opt_id, m.ven_id) for m in creates(world)]

    assert told == [("o1", "ven-1"), ("o2", "ven-1"), ("o1", "ven-9")]
    assert left(world) == {"o1": State.HELD}


@pytest.mark.parametrize("opt", [wire.OptType.OPT_IN, wire.OptType.OPT_OUT])
def test_an_answer_under_another_id_counts_and_is_noted(opt: wire.OptType) -> None:
    world = ready()
    world.vtn.script(wire.OadrCreateOpt, wire.OadrCreatedOpt(ei_response=ok(), opt_id="other"))
    say(world, schedule(opt=Opt.IN if opt is wire.OptType.OPT_IN else Opt.OUT))

    assert creates(world)[0].opt_type == opt
    assert "opt_id_differs" in world.words()
    assert left(world) == {"o1": State.HELD}


# --- restart and restore


@pytest.mark.spec("OpenADR 2.0b section 9.1.4")
def test_a_restart_repeats_the_unanswered_schedule_and_no_other() -> None:
    world = ready()
    say(world, schedule("held"))
    world.vtn.script(wire.OadrCreateOpt, "TIMEOUT")
    say(world, schedule("open"))
    world.restart()
    world.run(MINUTE)

    assert [m.opt_id for m in world.of(wire.OadrCreateOpt)] == ["held", "open", "open"]
    assert len({m.request_id for m in world.of(wire.OadrCreateOpt)}) == 2


def test_a_restored_backup_tells_what_was_on_its_way() -> None:
    world = ready()
    world.vtn.script(wire.OadrCreateOpt, "TIMEOUT")
    say(world, schedule())
    assert world.saved is not None
    world.saved = recovered(world.saved, world.now)
    world.restart()
    world.run(MINUTE)

    assert left(world) == {"o1": State.HELD}


def test_a_snapshot_of_before_opts_is_still_read() -> None:
    world = ready()
    assert world.saved is not None
    assert b'"opts"' not in world.saved
    assert read_state(world.saved).opts == {}


# --- some sites of an event


def only(world: World, site: str, opt: Opt, version: int = 0) -> None:
    world.hand(replace(decision("e1", version, opt, world.now), sites=(SiteId(site),)))
    world.settle()


def with_event(**changes: object) -> World:
    world = ready(options=VenOptions(query_first=False, resources={"R1": "phx-1"}))
    world.vtn.events = [event("e1", **changes)]  # type: ignore[arg-type] # test shorthand
    world.poll(listing(*world.vtn.events))
    return world


@pytest.mark.spec("OpenADR 2.0b rules 16, 17, 206")
def test_an_opt_for_one_site_of_an_event_names_event_version_and_resource() -> None:
    world = with_event(version=3)

    only(world, "phx-1", Opt.OUT, 3)

    (told,) = creates(world)
    assert told.qualified_event_id == wire.QualifiedEventId(event_id="e1", modification_number=3)
    assert (told.vavailability, told.market_context) == (None, None)
    assert (told.opt_type, told.ei_target) == ("optOut", wire.EiTarget(resource_ids=("R1",)))
    assert world.responses() == [("e1", 3, "200", "optIn", "d1")]


@pytest.mark.spec("OpenADR 2.0b rule 17")
def test_a_change_of_mind_for_one_site_is_another_opt() -> None:
    world = with_event()
    only(world, "phx-1", Opt.OUT)
    only(world, "phx-1", Opt.OUT)
    only(world, "phx-2", Opt.OUT)
    only(world, "phx-1", Opt.IN)

    told = [(m.ei_target.resource_ids, str(m.opt_type)) for m in creates(world)]

    assert told == [(("R1",), "optOut"), (("phx-2",), "optOut"), (("R1",), "optIn")]
    assert len({m.opt_id for m in creates(world)}) == 3


@pytest.mark.spec("OpenADR 2.0b rule 206")
def test_an_event_that_wants_no_answer_gets_no_opt() -> None:
    world = with_event(required=False)
    only(world, "phx-1", Opt.OUT)

    assert creates(world) == []
    assert "opt_not_wanted" in world.words()


@pytest.mark.parametrize("version", [1, 7])
def test_an_opt_about_another_version_is_not_told(version: int) -> None:
    world = with_event()
    only(world, "phx-1", Opt.OUT, version)

    assert creates(world) == []


@pytest.mark.spec("OpenADR 2.0b rule 211")
def test_the_opt_of_an_event_ends_with_it_and_is_never_cancelled() -> None:
    world = with_event()
    only(world, "phx-1", Opt.OUT)
    world.poll(listing(cancelled(event("e1"))))

    world.restart()
    world.run(HOUR)
    assert len(creates(world)) == 1
    assert world.of(wire.OadrCancelOpt) == []


def test_an_unanswered_opt_for_one_site_survives_a_restart() -> None:
    world = with_event()
    world.vtn.script(wire.OadrCreateOpt, "TIMEOUT", "TIMEOUT")
    only(world, "phx-1", Opt.OUT)
    world.restart()
    world.run(MINUTE)

    assert len(world.of(wire.OadrCreateOpt)) == 3
    assert len(creates(world)) == 1
    assert list(left(world).values()) == [State.HELD]


@pytest.mark.spec("OpenADR 2.0b rule 517")
def test_a_new_registration_has_the_opt_of_an_open_event_told_anew() -> None:
    world = with_event()
    only(world, "phx-1", Opt.OUT)
    world.vtn.script(wire.OadrPoll, wire.OadrResponse(ei_response=ok(code="463")))
    world.run(MINUTE)

    told = creates(world)

    assert len(told) == 2
    assert told[0].opt_id == told[1].opt_id


def test_a_scripted_vtn_answers_opts_like_a_good_one() -> None:
    """Kills: a fake that lets anything pass."""
    told = ScriptedVtn().answer(
        wire.OadrCreateOpt(
            opt_id="o",
            opt_type=wire.OptType.OPT_IN,
            opt_reason="economic",
            ven_id="ven-1",
            vavailability=(),
            created_date_time=datetime.fromisoformat("2026-05-03T16:00:00Z"),
            request_id="r",
            ei_target=wire.EiTarget(),
        )
    )

    assert isinstance(told, wire.OadrCreatedOpt)
    assert (told.opt_id, told.ei_response.request_id) == ("o", "r")
