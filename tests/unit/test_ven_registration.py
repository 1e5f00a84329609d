"""The VEN registers, stays registered, and leaves (catalogue cases N1_00xx)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.canonical import canonical, read_json
from gateway.domain.errors import MisuseError, SessionError
from gateway.domain.registering import Order
from gateway.protocols.entry import Tools
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.client import VenSession
from gateway.protocols.oadr2b.entry import PROTOCOL
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.ven_snapshot import read_state, write_state
from tests.fakes import CountedIds, FixedChance
from tests.oadr2b_world import SCHEMA, SCOPE, Reply, ScriptedVtn, World, event, listing, ok

TEN = timedelta(seconds=10)
QUARTER = timedelta(minutes=15)


def kinds(world: World) -> list[str]:
    return [type(sent.message).__name__ for sent in world.sent]


OLD_PROFILE = wire.OadrProfile(oadr_profile_name="2.0a", oadr_transports=("simpleHttp",))


def refused(code: str) -> wire.OadrCreatedPartyRegistration:
    return wire.OadrCreatedPartyRegistration(
        ei_response=ok(code=code),
        vtn_id="vtn-1",
        oadr_profiles=(
            wire.OadrProfile(oadr_profile_name="2.0b", oadr_transports=("simpleHttp",)),
        ),
    )


@pytest.mark.spec("OpenADR 2.0b cases N1_0010 and N1_0020")
@pytest.mark.spec("OpenADR 2.0b case N1_0020")
def test_a_ven_queries_registers_offers_asks_and_polls() -> None:
    world = World(options=VenOptions())

    world.run(TEN)

    assert kinds(world) == [
        "OadrQueryRegistration",
        "OadrCreatePartyRegistration",
        "OadrRegisterReport",
        "OadrRequestEvent",
        "OadrPoll",
        "OadrPoll",
    ]
    create = world.of(wire.OadrCreatePartyRegistration)[0]
    assert create.registration_id is None
    assert create.ven_id is None
    assert create.oadr_http_pull_model is True
    assert create.oadr_transport_name == "simpleHttp"


@pytest.mark.spec("OpenADR 2.0b case N1_0010")
@pytest.mark.parametrize("reply", [ok(), "STATUS_404", b"<nonsense/>", None])
def test_a_query_that_fails_does_not_keep_a_ven_from_registering(reply: object) -> None:
    vtn = ScriptedVtn()
    answer = wire.OadrResponse(ei_response=reply) if isinstance(reply, wire.EiResponse) else reply
    vtn.script(wire.OadrQueryRegistration, answer)  # type: ignore[arg-type] # one of the replies

    world = World(options=VenOptions(), vtn=vtn)
    world.run(TEN)

    assert len(world.of(wire.OadrCreatePartyRegistration)) == 1


@pytest.mark.parametrize("reply", ["STATUS_404", "STATUS_500", b"nonsense"])
def test_a_vtn_that_never_answers_queries_is_registered_with_all_the_same(reply: Reply) -> None:
    vtn = ScriptedVtn()
    vtn.script(wire.OadrQueryRegistration, *[reply] * 20)

    world = World(options=VenOptions(), vtn=vtn)
    world.run(TEN)

    assert kinds(world)[:2] == ["OadrQueryRegistration", "OadrCreatePartyRegistration"]


def test_a_profile_that_the_vtn_lacks_is_noted() -> None:
    vtn = ScriptedVtn()
    vtn.script(wire.OadrQueryRegistration, replace(refused("200"), oadr_profiles=(OLD_PROFILE,)))

    world = World(options=VenOptions(), vtn=vtn)
    world.settle()

    assert "profile_missing" in world.words()


@pytest.mark.spec("OpenADR 2.0b case N1_0025")
def test_a_pre_allocated_ven_id_is_asked_for() -> None:
    world = World(options=VenOptions(query_first=False, ven_id="ven-1"))
    world.settle()

    create = world.of(wire.OadrCreatePartyRegistration)[0]
    assert (create.ven_id, create.registration_id) == ("ven-1", None)
    assert "ven_id_differs" not in world.words()


def test_another_ven_id_than_the_one_asked_for_is_noted() -> None:
    world = World(options=VenOptions(query_first=False, ven_id="ven-9"))
    world.settle()

    assert "ven_id_differs" in world.words()


@pytest.mark.spec("OpenADR 2.0b rule 406, N1_0065")
@pytest.mark.spec("OpenADR 2.0b case N1_0065")
def test_a_renewal_keeps_the_ids_and_neither_offers_nor_asks_again() -> None:
    world = World()
    world.run(TEN)

    world._perform(world.session.on_order(Order.RENEW, world.now))
    world.run(TEN)

    creates = world.of(wire.OadrCreatePartyRegistration)
    assert [(c.registration_id, c.ven_id) for c in creates] == [(None, None), ("reg-1", "ven-1")]
    assert len(world.of(wire.OadrRegisterReport)) == 1
    assert len(world.of(wire.OadrRequestEvent)) == 1


@pytest.mark.spec("OpenADR 2.0b rule 406, N1_0060")
@pytest.mark.spec("OpenADR 2.0b case N1_0060")
def test_a_new_registration_offers_and_asks_again() -> None:
    world = World()
    world.run(TEN)
    world.vtn.registration_id = "reg-2"

    world._perform(world.session.on_order(Order.NEW, world.now))
    world.run(TEN)

    assert world.of(wire.OadrCreatePartyRegistration)[1].registration_id is None
    assert len(world.of(wire.OadrRegisterReport)) == 2
    assert len(world.of(wire.OadrRequestEvent)) == 2


@pytest.mark.spec("OpenADR 2.0b case N1_0050")
def test_a_vtn_may_ask_for_a_renewal() -> None:
    world = World()
    world.settle()

    world.poll(wire.OadrRequestReregistration(ven_id="ven-1"))

    assert world.of(wire.OadrResponse)[0].ei_response.response_code == "200"
    assert world.of(wire.OadrCreatePartyRegistration)[1].registration_id == "reg-1"
    answered = [s.service for s in world.sent if isinstance(s.message, wire.OadrResponse)]
    assert answered == ["EiRegisterParty"]


@pytest.mark.spec("OpenADR 2.0b rule 512")
def test_a_renewal_asked_of_another_ven_is_refused() -> None:
    world = World()
    world.settle()

    world.poll(wire.OadrRequestReregistration(ven_id="VEN-1"))

    assert world.of(wire.OadrResponse)[0].ei_response.response_code == "452"
    assert len(world.of(wire.OadrCreatePartyRegistration)) == 1


@pytest.mark.spec("OpenADR 2.0b case N1_0040")
def test_a_vtn_may_cancel_the_registration() -> None:
    world = World()
    world.settle()
    world.poll(listing(event()))

    world.poll(
        wire.OadrCancelPartyRegistration(request_id="c1", registration_id="reg-1", ven_id="ven-1")
    )
    polls = len(world.of(wire.OadrPoll))
    world.run(QUARTER - 2 * TEN)

    answer = world.of(wire.OadrCanceledPartyRegistration)[0]
    assert answer.ei_response == wire.EiResponse(
        response_code="200", response_description="OK", request_id="c1"
    )
    assert (answer.registration_id, answer.ven_id) == ("reg-1", "ven-1")
    assert len(world.of(wire.OadrPoll)) == polls
    assert world.emitted[-1].cancelled_at is not None
    assert world.emitted[-1].cancel_implied
    world.run(2 * TEN)
    assert len(world.of(wire.OadrCreatePartyRegistration)) == 2


@pytest.mark.spec("OpenADR 2.0b case N1_0070")
@pytest.mark.parametrize(
    ("registration_id", "ven_id"), [("reg-2", "ven-1"), ("reg-1", "ven-2"), ("REG-1", None)]
)
def test_a_cancellation_with_wrong_ids_changes_nothing(
    registration_id: str, ven_id: str | None
) -> None:
    world = World()
    world.settle()

    world.poll(
        wire.OadrCancelPartyRegistration(
            request_id="c1", registration_id=registration_id, ven_id=ven_id
        )
    )
    polls = len(world.of(wire.OadrPoll))
    world.run(TEN)

    answer = world.of(wire.OadrCanceledPartyRegistration)[0]
    assert answer.ei_response.response_code == "452"
    assert len(world.of(wire.OadrPoll)) > polls


@pytest.mark.spec("OpenADR 2.0b case N1_0030")
def test_a_ven_may_cancel_its_registration() -> None:
    world = World()
    world.settle()

    world._perform(world.session.on_order(Order.CANCEL, world.now))
    world.run(2 * QUARTER)

    cancel = world.of(wire.OadrCancelPartyRegistration)[0]
    assert (cancel.registration_id, cancel.ven_id) == ("reg-1", "ven-1")
    assert world.closed
    assert kinds(world)[-1] == "OadrCancelPartyRegistration"


def test_a_cancellation_that_the_vtn_refuses_leaves_the_registration() -> None:
    world = World()
    world.settle()
    world.vtn.script(
        wire.OadrCancelPartyRegistration,
        wire.OadrCanceledPartyRegistration(ei_response=ok(code="452")),
    )

    world._perform(world.session.on_order(Order.CANCEL, world.now))
    world.run(TEN)

    assert kinds(world)[-1] == "OadrPoll"
    assert not world.closed


def test_a_registration_that_is_lost_while_it_is_cancelled_has_ended() -> None:
    world = World()
    world.settle()
    world.vtn.script(wire.OadrPoll, wire.OadrResponse(ei_response=ok(code="463")))
    world.now += TEN
    world._perform(world.session.on_time(world.now))

    world._perform(world.session.on_order(Order.CANCEL, world.now))
    world.run(2 * QUARTER)

    assert world.closed
    assert len(world.of(wire.OadrCreatePartyRegistration)) == 1


# --- what an operator orders


def order(world: World, what: Order) -> None:
    world._perform(world.session.on_order(what, world.now))
    world.run(TEN)


@pytest.mark.spec("OpenADR 2.0b section 8.4")
def test_a_query_of_a_registered_ven_changes_nothing() -> None:
    world = World()
    world.run(TEN)
    before = world.session.standing()

    order(world, Order.QUERY)

    assert len(world.of(wire.OadrQueryRegistration)) == 1
    assert len(world.of(wire.OadrCreatePartyRegistration)) == 1
    assert world.session.standing() == before
    assert (before.state, before.registration_id, before.ven_id) == ("registered", "reg-1", "ven-1")
    assert "registration_known" in world.words()


def test_a_query_tells_when_the_vtn_knows_another_registration() -> None:
    world = World()
    world.run(TEN)
    other = wire.OadrCreatedPartyRegistration(
        ei_response=ok(),
        registration_id="reg-9",
        ven_id="ven-9",
        vtn_id="vtn-1",
        oadr_profiles=(OLD_PROFILE,),
    )
    world.vtn.script(wire.OadrQueryRegistration, other)

    order(world, Order.QUERY)

    assert "registration_differs" in world.words()
    assert world.session.standing().registration_id == "reg-1"


@pytest.mark.spec("OpenADR 2.0b rule 406")
def test_a_new_registration_says_nothing_under_empty_ids_while_the_vtn_is_silent() -> None:
    world = World()
    world.run(TEN)
    world.vtn.script(wire.OadrCreatePartyRegistration, *["TIMEOUT"] * 3)

    order(world, Order.NEW)

    assert {poll.ven_id for poll in world.of(wire.OadrPoll)} == {"ven-1"}
    assert [c.registration_id for c in world.of(wire.OadrCreatePartyRegistration)[1:]] == [None] * 4


@pytest.mark.spec("OpenADR 2.0b rule 406")
def test_a_new_registration_under_the_same_ids_is_a_new_one_all_the_same() -> None:
    world = World()
    world.run(TEN)

    order(world, Order.NEW)

    assert len(world.of(wire.OadrRegisterReport)) == 2
    assert len(world.of(wire.OadrRequestEvent)) == 2


def test_an_order_outlives_a_death_before_its_answer() -> None:
    world = World()
    world.run(TEN)
    deaths = iter(["before"])
    world.crash = lambda: next(deaths, "")

    order(world, Order.CANCEL)
    world.run(QUARTER)

    assert world.crashes == 1
    assert len(world.of(wire.OadrCancelPartyRegistration)) == 1
    assert world.session.standing().state == "cancelled"


def test_what_was_ended_by_order_stays_ended_over_restarts_until_it_is_renewed() -> None:
    world = World()
    world.run(TEN)
    order(world, Order.CANCEL)
    world.restart()
    world.run(2 * QUARTER)
    assert len(world.of(wire.OadrCreatePartyRegistration)) == 1
    with pytest.raises(SessionError, match="OUT_OF_SEQUENCE"):
        world.session.on_order(Order.QUERY, world.now)

    world.closed = ""
    order(world, Order.RENEW)

    assert world.session.standing().state == "registered"
    assert world.of(wire.OadrCreatePartyRegistration)[1].registration_id is None
    assert len(world.of(wire.OadrRegisterReport)) == 2


def test_a_registration_that_waits_for_its_next_attempt_is_renewed_at_once() -> None:
    world = World()
    world.run(TEN)
    world.poll(wire.OadrCancelPartyRegistration(request_id="c1", registration_id="reg-1"))
    assert world.session.standing().retry_at

    order(world, Order.RENEW)

    assert world.session.standing().state == "registered"


@pytest.mark.parametrize("what", [Order.RENEW, Order.NEW, Order.QUERY, Order.CANCEL])
def test_while_a_registration_is_being_ended_nothing_else_is_ordered(what: Order) -> None:
    world = World()
    world.run(TEN)
    world._perform(world.session.on_order(Order.CANCEL, world.now))
    saved = world.saved

    with pytest.raises(SessionError, match="OUT_OF_SEQUENCE"):
        world.session.on_order(what, world.now)

    assert world.session.snapshot() == saved


def test_only_a_registered_ven_can_cancel() -> None:
    world = World(vtn=ScriptedVtn(scripts={}))
    fresh = VenSession(
        VenOptions(), SCOPE, Tools(chance=FixedChance(), ids=CountedIds(), schema=SCHEMA)
    )

    with pytest.raises(SessionError, match="OUT_OF_SEQUENCE"):
        fresh.on_order(Order.CANCEL, world.now)


def test_without_a_wish_to_register_again_a_cancelled_session_closes() -> None:
    world = World(options=VenOptions(query_first=False, register_again=None))
    world.settle()

    world.poll(wire.OadrCancelPartyRegistration(request_id="c1", registration_id="reg-1"))

    assert world.closed
    assert kinds(world)[-1] == "OadrCanceledPartyRegistration"


@pytest.mark.spec("OpenADR 2.0b rule 517")
@pytest.mark.parametrize("code", ["452", "463"])
def test_a_poll_that_the_vtn_does_not_know_leads_to_a_new_registration(code: str) -> None:
    world = World()
    world.settle()
    world.vtn.script(wire.OadrPoll, wire.OadrResponse(ei_response=ok(code=code)))

    world.run(2 * TEN)

    creates = world.of(wire.OadrCreatePartyRegistration)
    assert [c.registration_id for c in creates] == [None, "reg-1"]
    assert len(world.of(wire.OadrRegisterReport)) == 2
    assert len(world.of(wire.OadrRequestEvent)) == 2
    assert "registration_lost" in world.words()


@pytest.mark.spec("OpenADR 2.0b rule 517")
def test_a_report_that_meets_463_leads_to_a_new_registration() -> None:
    vtn = ScriptedVtn()
    vtn.script(wire.OadrRegisterReport, wire.OadrRegisteredReport(ei_response=ok(code="463")))

    world = World(vtn=vtn)
    world.run(TEN)

    assert len(world.of(wire.OadrCreatePartyRegistration)) == 2
    assert len(world.of(wire.OadrRegisterReport)) == 2


def test_a_vtn_that_registers_and_forgets_at_once_is_not_hammered() -> None:
    world = World()
    world.settle()
    world.vtn.script(wire.OadrPoll, *[wire.OadrResponse(ei_response=ok(code="463"))] * 100)

    world.run(timedelta(minutes=5))

    assert 5 <= len(world.of(wire.OadrCreatePartyRegistration)) <= 14


@pytest.mark.spec("OpenADR 2.0b rule 401")
def test_a_refused_registration_is_tried_again_only_after_a_while() -> None:
    vtn = ScriptedVtn()
    vtn.script(wire.OadrCreatePartyRegistration, refused("463"))

    world = World(vtn=vtn)
    world.run(QUARTER - TEN)
    early = len(world.of(wire.OadrCreatePartyRegistration))
    world.run(TEN)

    assert early == 1
    assert len(world.of(wire.OadrCreatePartyRegistration)) == 2
    assert len(world.of(wire.OadrRequestEvent)) == 1


def test_ids_that_the_vtn_has_forgotten_are_given_up_for_new_ones() -> None:
    world = World()
    world.settle()
    world.vtn.script(wire.OadrPoll, wire.OadrResponse(ei_response=ok(code="463")))
    world.vtn.script(wire.OadrCreatePartyRegistration, refused("452"))
    world.vtn.registration_id, world.vtn.ven_id = "reg-2", "ven-2"

    world.run(2 * TEN)

    creates = world.of(wire.OadrCreatePartyRegistration)
    assert [c.registration_id for c in creates] == [None, "reg-1", None]
    assert world.of(wire.OadrPoll)[-1].ven_id == "ven-2"


@pytest.mark.parametrize(
    "reply",
    [
        wire.OadrResponse(ei_response=ok()),
        refused("200"),
        wire.OadrCanceledPartyRegistration(ei_response=ok()),
    ],
)
def test_an_answer_without_ids_is_no_registration(reply: wire.Message) -> None:
    vtn = ScriptedVtn()
    vtn.script(wire.OadrCreatePartyRegistration, reply)

    world = World(vtn=vtn)
    world.run(TEN)

    assert kinds(world) == ["OadrCreatePartyRegistration"]
    assert "registration_refused" in world.words()


@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-01")
def test_a_vtn_that_is_down_at_the_start_is_tried_again_with_the_same_request() -> None:
    vtn = ScriptedVtn()
    vtn.script(wire.OadrCreatePartyRegistration, "REFUSED", "TIMEOUT", "STATUS_500", None, b"x")

    world = World(vtn=vtn)
    world.run(timedelta(minutes=2))

    bodies = [s.body for s in world.sent if isinstance(s.message, wire.OadrCreatePartyRegistration)]
    assert len(bodies) == 6
    assert len(set(bodies)) == 1
    assert "registered" in world.words()


def test_a_restart_neither_registers_nor_offers_again() -> None:
    world = World()
    world.run(TEN)
    before = len(world.sent)

    world.restart()
    world.run(TEN)

    fresh = [type(sent.message).__name__ for sent in world.sent[before:]]
    assert fresh == ["OadrRequestEvent", "OadrPoll", "OadrPoll"]


def test_another_ven_id_in_the_configuration_starts_afresh() -> None:
    world = World()
    world.run(TEN)

    world.options = VenOptions(query_first=False, ven_id="ven-1")
    world.restart()
    world.settle()

    assert world.of(wire.OadrCreatePartyRegistration)[-1].registration_id is None


def test_other_meters_in_the_configuration_are_offered_anew() -> None:
    world = World()
    world.run(TEN)

    world.options = VenOptions(query_first=False, history=False)
    world.restart()
    world.settle()

    assert len(world.of(wire.OadrRegisterReport)) == 2
    assert len(world.of(wire.OadrCreatePartyRegistration)) == 1


@pytest.mark.parametrize("state", [b"{}", b'{"format":1}', b'{"format":2,"state":{}}', b"no json"])
def test_a_state_that_cannot_be_read_is_refused(state: bytes) -> None:
    tools = Tools(chance=FixedChance(), ids=CountedIds(), schema=SCHEMA)

    with pytest.raises(MisuseError, match="STATE_FORMAT"):
        VenSession(VenOptions(), SCOPE, tools, state)


def test_ids_of_any_script_survive_a_restart() -> None:
    world = World()
    world.settle()
    world.poll(listing(event("Ereignis-ä-事件", required=False)))
    before = world.saved

    world.restart()
    world.settle()

    assert before is not None
    assert "事件" in before.decode()
    assert [found.event_id for found in world.emitted] == ["Ereignis-ä-事件"] * 2


def test_a_snapshot_is_canonical_and_equal_however_it_came_about() -> None:
    world = World()
    world.settle()
    world.poll(listing(event("a"), event("b")))
    world.poll(listing(event("a", 1), event("b"), event("c")))
    assert world.saved is not None

    assert canonical(read_json(world.saved)) == world.saved
    assert write_state(read_state(world.saved)) == world.saved


def test_a_session_needs_its_schema() -> None:
    with pytest.raises(MisuseError, match="NO_SCHEMA"):
        VenSession(VenOptions(), SCOPE, Tools(chance=FixedChance(), ids=CountedIds()))


def test_the_registry_makes_a_session_from_keys() -> None:
    tools = Tools(chance=FixedChance(), ids=CountedIds(), schema=SCHEMA)
    make: Callable[..., object] = PROTOCOL.session

    session = make(PROTOCOL.read_options({"poll_period": "PT30S"}), SCOPE, tools, None)

    assert isinstance(session, VenSession)
    with pytest.raises(MisuseError, match="WRONG_OPTIONS"):
        make(PROTOCOL, SCOPE, tools, None)
