"""Deliveries to a site's own endpoint: in order, until the deadline, never after it, over every restart."""

import asyncio

import orjson
import pytest
from aiohttp import web

from gateway.domain.intent import State
from gateway.pipeline.deliveries import Fate, Standing
from tests.webhook_receiver import Got
from tests.webhook_world import SECOND, T0, world


async def test_a_document_goes_out_at_once_with_the_bytes_of_the_stream() -> None:
    async with world() as here:
        item = await here.intent("i1")
        await here.wait(1)
        hook = here.hooks["a"]
        posts = [got for got in hook.got if got.method == "POST"]
        assert [got.body for got in posts] == [item.body]
        assert posts[0].headers["webhook-id"] == "i1_1" == orjson.loads(item.body)["id"]
        assert posts[0].headers["webhook-timestamp"] == str(int(T0.timestamp()))
        assert posts[0].headers["Content-Type"] == "application/cloudevents+json"
        assert posts[0].headers["WebHook-Request-Origin"] == "gridgate.test"
        done = await here.fate(item.sequence)
        assert (done.fate, done.attempts, done.reason) == (Fate.DELIVERED, 1, "HTTP_200")
        records = await here.store.read(lambda work: work.intents.of_site(item.site))
        assert records[0].acked_revision == 0  # delivered is not acknowledged
        assert here.figure("gateway_webhook_attempts_total", outcome="delivered") == 1


@pytest.mark.spec("Standard Webhooks 1.0, deliverability; the schedule of grid control")
async def test_a_failing_endpoint_is_tried_at_0_1_2_5_10_30_seconds_then_every_minute() -> None:
    async with world() as here:
        hook = here.hooks["a"]
        hook.status = 404
        await here.intent("i1", deliver_in=1000.0)
        await here.wait(300)
        gaps = [b - a for a, b in zip(hook.seconds, hook.seconds[1:], strict=False)]
        assert hook.seconds[:6] == [0, 1, 2, 5, 10, 30]
        assert all(54 <= gap <= 66 for gap in gaps[5:])
        assert set(hook.ids) == {"i1_1"}
        stamps = {got.headers["webhook-timestamp"] for got in hook.got if got.method == "POST"}
        assert len(stamps) == len(hook.took)  # of each attempt


async def test_nothing_is_sent_after_its_deadline_and_it_becomes_a_dead_letter() -> None:
    """The mutant that resends after expiry delivers when the endpoint comes back at 200 s."""
    async with world() as here:
        hook = here.hooks["a"]
        hook.status = 404
        item = await here.intent("i1", deliver_in=100.0)
        await here.wait(101)
        dead = await here.fate(item.sequence)
        assert (dead.fate, dead.reason) == (Fate.DEAD, "HTTP_404")
        assert dead.ended_at is not None
        assert dead.ended_at - T0 <= 101 * SECOND
        tried = len(hook.took)
        assert hook.seconds[-1] == pytest.approx(95, abs=5)  # a last chance right before the end
        hook.status = 200
        await here.wait(400)
        assert len(hook.took) == tried
        assert here.figure("gateway_webhook_dead_letters_total") == 1


async def test_what_becomes_too_late_behind_the_head_dies_in_time_untried() -> None:
    async with world() as here:
        here.hooks["a"].status = 404
        await here.intent("i1", deliver_in=None)
        second = await here.intent("i2", deliver_in=45.0)
        await here.wait(46)
        dead = await here.fate(second.sequence)
        assert (dead.fate, dead.attempts, dead.reason) == (Fate.DEAD, 0, "NOT_TRIED")


async def test_a_newer_revision_takes_the_place_of_one_that_never_arrived() -> None:
    async with world() as here:
        hook = here.hooks["a"]
        hook.status = 404
        first = await here.intent("i1", 1)
        await here.wait(120)
        hook.status = 200
        await here.intent("i1", 2)
        await here.wait(5)
        assert hook.ids[-1] == "i1_2"
        assert (await here.fate(first.sequence)).fate is Fate.SUPERSEDED
        assert here.figure("gateway_webhook_dead_letters_total") == 0
        assert hook.seconds[-1] <= 125  # at once, not with the minute


async def test_documents_arrive_in_the_order_of_the_stream_when_the_endpoint_comes_back() -> None:
    async with world() as here:
        hook = here.hooks["a"]
        hook.status = 401
        for name in ("i1", "i2", "i3"):
            await here.intent(name)
        await here.plan(1)
        await here.wait(90)
        failed = len(hook.took)
        assert set(hook.ids) == {"i1_1"}
        hook.status = 200
        await here.wait(70)
        assert hook.ids[failed:] == ["i1_1", "i2_1", "i3_1", "plan-phx-1_1"]


async def test_something_new_behind_a_stuck_head_is_worth_trying_at_once() -> None:
    async with world() as here:
        hook = here.hooks["a"]
        hook.status = 404
        await here.intent("i1")
        await here.wait(200)
        hook.status = 200
        before = len(hook.took)
        await here.intent("i2")
        await here.wait(1)
        assert hook.ids[before:] == ["i1_1", "i2_1"]


async def test_one_endpoints_trouble_never_delays_another() -> None:
    async with world("a", "b") as here:
        here.hooks["a"].status = 500
        for n in range(20):
            await here.intent(f"i{n}")
        await here.wait(1)
        assert here.hooks["b"].ids == [f"i{n}_1" for n in range(20)]
        assert set(here.hooks["b"].seconds) == {0}


async def test_a_document_that_fails_by_itself_is_put_beside_the_line() -> None:
    """Poison: the endpoint answers 500 to this one alone; its neighbours go on, and it is tried to its end."""
    async with world() as here:
        hook = here.hooks["a"]
        hook.script = [500] * 6
        poison = await here.intent("bad", deliver_in=600.0)
        await here.intent("good")
        await here.wait(31)
        assert hook.ids == ["bad_1"] * 6 + ["good_1"]
        assert (await here.fate(poison.sequence)).fate is Fate.ASIDE
        await here.wait(61)
        assert hook.ids[7:] == ["bad_1"]
        assert (await here.fate(poison.sequence)).fate is Fate.DELIVERED


async def test_a_document_beside_the_line_dies_at_its_deadline_too() -> None:
    async with world() as here:
        here.hooks["a"].status = 500
        poison = await here.intent("bad", deliver_in=100.0)
        await here.wait(102)
        assert (await here.fate(poison.sequence)).fate is Fate.DEAD
        assert here.figure("gateway_webhook_dead_letters_total") == 1


async def test_a_newer_revision_passes_its_poisonous_elder() -> None:
    async with world() as here:
        hook = here.hooks["a"]
        hook.script = [500] * 6
        elder = await here.intent("bad", 1)
        await here.wait(31)
        await here.intent("bad", 2)
        await here.wait(1)
        assert hook.ids[-1] == "bad_2"
        await here.wait(120)
        assert (await here.fate(elder.sequence)).fate is Fate.SUPERSEDED
        assert hook.ids[-1] == "bad_2"


@pytest.mark.parametrize("status", [400, 413, 415, 422])
async def test_a_document_that_is_refused_becomes_a_dead_letter_that_can_be_replayed(
    status: int,
) -> None:
    async with world() as here:
        hook = here.hooks["a"]
        hook.script = [status] * 6
        item = await here.intent("i1")
        await here.wait(31)
        dead = await here.fate(item.sequence)
        assert (dead.fate, dead.reason, dead.attempts) == (Fate.DEAD, f"HTTP_{status}", 6)
        (done,) = await here.desk.replay([dead.key])
        assert done.refused == ""
        await here.wait(1)
        assert hook.ids == ["i1_1"] * 7
        assert (await here.fate(item.sequence)).fate is Fate.DELIVERED


async def test_a_replay_past_the_end_of_validity_is_refused_and_nothing_goes_out() -> None:
    async with world() as here:
        hook = here.hooks["a"]
        hook.status = 404
        item = await here.intent("i1", deliver_in=60.0)
        await here.wait(61)
        dead = await here.fate(item.sequence)
        hook.status = 200
        tried = len(hook.took)
        (done,) = await here.desk.replay([dead.key])
        assert done.refused == "TOO_LATE"
        assert "2025-05-03T23:01:00Z" in done.detail
        await here.wait(200)
        assert len(hook.took) == tried
        assert (await here.fate(item.sequence)).fate is Fate.DEAD


@pytest.mark.slow
async def test_the_end_of_what_is_asked_counts_where_no_deadline_is_given() -> None:
    """Half an hour of notice and three hours of event: nothing goes out after that."""
    async with world() as here:
        hook = here.hooks["a"]
        hook.status = 404
        item = await here.intent("i1", deliver_in=None)
        await here.wait(3.5 * 3600 + 70)
        assert (await here.fate(item.sequence)).fate is Fate.DEAD
        assert hook.seconds[-1] <= 3.5 * 3600


@pytest.mark.parametrize(
    ("letter", "why"),
    [
        ("phx-1/a/99", "NOT_FOUND"),
        ("phx-1/none/1", "NOT_FOUND"),
        ("abq-2/a/1", "NOT_FOUND"),
        ("1", "NOT_FOUND"),
        ("phx-1/a/-1", "NOT_FOUND"),
        ("phx-1/a/1", "NOT_DEAD"),
    ],
)
async def test_only_dead_letters_are_replayed(letter: str, why: str) -> None:
    async with world() as here:
        await here.intent("i1")
        await here.wait(1)
        (done,) = await here.desk.replay([letter])
        assert done.refused == why
        await here.wait(100)
        assert here.hooks["a"].ids == ["i1_1"]


async def test_a_superseded_dead_letter_is_not_replayed() -> None:
    async with world() as here:
        hook = here.hooks["a"]
        hook.script = [400] * 6
        item = await here.intent("i1", 1)
        await here.wait(31)
        await here.intent("i1", 2)
        await here.wait(1)
        (done,) = await here.desk.replay([f"phx-1/a/{item.sequence}"])
        assert done.refused == "STALE_REVISION"


async def test_asked_for_patience_it_waits_and_slows_down() -> None:
    async with world() as here:
        hook = here.hooks["a"]
        hook.script = [429, 200]
        hook.headers = {"Retry-After": "40"}
        await here.intent("i1")
        await here.wait(20)
        await here.intent("i2")
        await here.wait(100)
        assert hook.ids == ["i1_1", "i1_1", "i2_1"]
        assert hook.seconds[1] == 40
        hook.headers, hook.script = {}, [502, 504, 502, 200]
        hook.took.clear()
        await here.intent("i3")
        await here.wait(300)
        assert hook.seconds == [0, 5, 10, 15]


async def test_patience_ends_before_the_deadline() -> None:
    """A wait that reaches over the deadline is cut to one last chance right before it."""
    async with world() as here:
        hook = here.hooks["a"]
        hook.script = [503, 200]
        hook.headers = {"Retry-After": "3600"}
        item = await here.intent("i1", deliver_in=60.0)
        await here.wait(61)
        assert hook.seconds == [0, 55]
        assert (await here.fate(item.sequence)).fate is Fate.DELIVERED


@pytest.mark.spec("Standard Webhooks 1.0, 410 Gone; R-OUT-5")
async def test_an_endpoint_that_is_gone_is_disabled_but_never_while_an_intent_is_live() -> None:
    async with world() as here:
        hook = here.hooks["a"]
        hook.status = 410
        await here.intent("i1")
        await here.wait(120)
        assert (await here.endpoint()).standing is Standing.READY
        assert here.figure("gateway_webhook_gone_total") == len(hook.took) >= 6
        await here.finish("i1")
        await here.wait(120)
        ready = await here.endpoint()
        assert (ready.standing, ready.why) == (Standing.DISABLED, "HTTP_410")
        tried = len(hook.took)
        await here.wait(600)
        assert len(hook.took) == tried

        hook.status = 200
        await here.intent("i2")  # an event is open: no endpoint is disabled now
        await here.wait(70)
        assert hook.ids[-1] == "i2_1"
        assert (await here.endpoint()).standing is Standing.READY


async def test_a_disabled_endpoint_still_tells_what_died() -> None:
    async with world() as here:
        here.hooks["a"].status = 410
        await here.intent("i1", status=State.EXPIRED, deliver_in=100.0)
        await here.wait(10)
        assert (await here.endpoint()).standing is Standing.DISABLED
        late = await here.intent("i2", status=State.EXPIRED, deliver_in=30.0)
        await here.wait(31)
        assert (await here.fate(late.sequence)).fate is Fate.DEAD


async def test_a_passed_test_brings_a_disabled_endpoint_back() -> None:
    async with world() as here:
        hook = here.hooks["a"]
        hook.status = 410
        await here.intent("i1", status=State.EXPIRED)
        await here.wait(10)
        hook.status = 200
        result = await here.desk.test(next(iter(here.couriers))[0], "a")
        assert result.status == 200
        await here.wait(1)
        assert (await here.endpoint()).standing is Standing.READY
        assert hook.ids[-1] == "i1_1"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_a_failure_and_never_followed(status: int) -> None:
    async with world("a", "trap") as here:
        trap, hook = here.hooks["trap"], here.hooks["a"]
        await here.wait(1)
        hook.status = status
        hook.headers = {"Location": f"http://127.0.0.1:{trap.port}/hook?stolen"}
        item = await here.intent("i1")
        await here.wait(3)
        assert (await here.fate(item.sequence)).reason == f"HTTP_{status}"
        assert not any("stolen" in got.path for got in trap.got)


async def test_a_large_document_goes_as_its_envelope_with_a_link() -> None:
    async with world() as here:
        small = await here.plan(1)
        large = await here.plan(2, notes=6)
        await here.wait(1)
        bodies = [got.body for got in here.hooks["a"].got if got.method == "POST"]
        assert len(large.body) > 20_000
        event = orjson.loads(bodies[-1])
        assert len(bodies[-1]) < 1000
        whole = orjson.loads(large.body)
        assert event.pop("dataref") == "/v1/sites/phx-1/plan"
        assert event == {name: value for name, value in whole.items() if name != "data"}
        assert small.body in bodies or len(bodies) == 1


async def test_every_attempt_is_kept_with_time_status_duration_and_answer() -> None:
    async with world() as here:
        hook = here.hooks["a"]
        hook.script, hook.answer = [500, 200], b"y" * 5000
        await here.intent("i1")
        await here.wait(5)
        question, first, second = await here.attempts()
        assert (question.webhook_id, question.outcome, question.sequence) == (
            "question",
            "wanted",
            0,
        )
        assert (first.status, first.outcome, first.answer) == (500, "broken", b"y" * 2048)
        assert (second.status, second.outcome) == (200, "delivered")
        assert second.at - first.at == SECOND
        assert first.duration is not None
        assert len(hook.took) == 2


async def test_attempts_recorded_are_attempts_received() -> None:
    """R-OUT-2: nothing repeats a request behind our back."""
    async with world() as here:
        hook = here.hooks["a"]
        hook.script = [500, 404, 503, 200, 200]
        await here.intent("i1")
        await here.intent("i2")
        await here.wait(300)
        deliveries = [one for one in await here.attempts() if one.sequence]
        assert len(deliveries) == len(hook.took)


async def test_a_silent_endpoint_is_left_after_its_time_and_others_are_not_kept_waiting() -> None:
    async with world("a", "b") as here:
        hook = here.hooks["a"]
        hang = asyncio.Event()

        async def stall(got: Got) -> web.StreamResponse | None:
            if got.method == "POST":
                here.clock.release()
                try:
                    await hang.wait()
                finally:
                    here.clock.hold()
            return None

        await here.wait(1)
        hook.act = stall
        item = await here.intent("i1")
        await here.wait(20)
        assert here.hooks["b"].ids == ["i1_1"]
        failed = [one for one in await here.attempts() if one.sequence]
        assert failed[0].detail.endswith("no answer within 15 s")
        assert failed[0].duration == 15 * SECOND
        assert (await here.fate(item.sequence)).reason in {"TIMEOUT", "UNKNOWN"}
        hang.set()
