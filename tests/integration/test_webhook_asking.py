"""Before the first delivery an endpoint is asked; right before each, the courier looks once more."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
import structlog
from aiohttp import web

from gateway.domain.errors import FencedError, StoreError
from gateway.pipeline.deliveries import Fate, Standing
from gateway.southbound.webhook.asking import Sender, _rate
from tests.southbound_fakes import PHX
from tests.webhook_receiver import Got
from tests.webhook_world import SECRET, Hook, World, world


def silent_question() -> Hook:
    """An endpoint that does not know the question, and meets the challenge."""
    return Hook(allow=None)


@pytest.mark.spec("CloudEvents, HTTP web hooks, section 4")
async def test_an_endpoint_is_asked_once_and_its_word_is_kept_over_a_restart() -> None:
    async with world() as here:
        await here.wait(5)
        hook = here.hooks["a"]
        (question,) = hook.got
        assert question.method == "OPTIONS"
        assert question.headers["WebHook-Request-Origin"] == "gridgate.test"
        assert question.headers["WebHook-Request-Rate"] == "120"
        known = await here.endpoint()
        assert (known.standing, known.proof) == (Standing.READY, "origin")
        await here.kill()
        here.start()
        await here.intent("i1")
        await here.wait(5)
        assert [got.method for got in hook.got] == ["OPTIONS", "POST"]


async def test_one_that_does_not_know_the_question_meets_a_challenge() -> None:
    async with world(hook=silent_question) as here:
        await here.intent("i1")
        await here.wait(5)
        known = await here.endpoint()
        assert (known.standing, known.proof) == (Standing.READY, "challenge")
        outcomes = [(one.webhook_id[:5], one.outcome) for one in await here.attempts()]
        assert outcomes == [("quest", "failed"), ("test-", "delivered"), ("i1_1", "delivered")]


@pytest.mark.parametrize("challenge", ["json", "text", "wrong"])
async def test_the_challenge_is_met_as_text_or_json_and_by_nothing_else(challenge: str) -> None:
    async with world(hook=silent_question, started=False) as here:
        hook = here.hooks["a"]

        async def act(got: Got) -> web.StreamResponse | None:
            if got.method == "OPTIONS":
                return web.Response(status=405)
            held = got.body.decode().split('"challenge":"')[1].split('"')[0]
            words = {"json": f'{{"challenge":"{held}"}}', "text": f" {held}\n", "wrong": "ok"}
            return web.Response(text=words[challenge])

        hook.act = act
        here.start()
        await here.wait(3)
        expected = Standing.NEW if challenge == "wrong" else Standing.READY
        assert (await here.endpoint()).standing is expected


async def test_one_that_allows_another_origin_gets_nothing() -> None:
    async with world(hook=lambda: Hook(allow="somebody.else")) as here:
        item = await here.intent("i1", deliver_in=100.0)
        await here.wait(101)
        assert {got.method for got in here.hooks["a"].got} == {"OPTIONS"}
        dead = await here.fate(item.sequence)
        assert (dead.fate, dead.reason, dead.attempts) == (Fate.DEAD, "NOT_WANTED_YET", 0)


async def test_a_new_document_is_worth_asking_again_at_once() -> None:
    async with world(hook=lambda: Hook(allow=None, challenge=False)) as here:
        await here.wait(300)
        hook = here.hooks["a"]
        hook.challenge = True
        await here.intent("i1")
        await here.wait(1)
        assert hook.ids == ["i1_1"]


async def test_another_address_is_asked_anew_from_where_the_old_one_stood() -> None:
    async with world("a", "b") as here:
        await here.intent("i1")
        await here.wait(1)
        await here.kill()
        here.hooks["a"].port, here.hooks["b"].port = here.hooks["b"].port, here.hooks["a"].port
        here.start()
        await here.intent("i2")
        await here.wait(1)
        at_new = here.hooks["b"]
        assert at_new.ids == ["i1_1", "i2_1"]
        assert [got.method for got in at_new.got].count("OPTIONS") == 2


async def test_what_an_endpoint_allows_a_minute_is_kept_to() -> None:
    async with world(started=False) as here:
        hook = here.hooks["a"]
        answer = hook.act
        assert answer is not None

        async def act(got: Got) -> web.StreamResponse | None:
            if got.method == "OPTIONS":
                allowed = {"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "6"}
                return web.Response(headers=allowed)
            return await answer(got)

        hook.act = act
        here.start()
        for n in range(4):
            await here.intent(f"i{n}")
        await here.wait(60)
        assert hook.seconds == [0, 10, 20, 30]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("120", 120),
        ("*", 0),
        ("", 0),
        ("0", 1),
        ("-5", 0),
        ("9" * 20, 0),
        ("\u0661", 0),
        ("99999999", 0),
    ],
)
def test_an_allowed_rate_is_a_number_or_none(text: str, rate: int) -> None:
    assert _rate({"webhook-allowed-rate": text}) == rate


# --- the last look


async def overtaken(here: World, then: str) -> None:
    """Let something happen between the connection and the first byte."""
    hook = here.hooks["a"]
    courier = here.couriers[PHX, "a"]
    look = courier._last_look

    async def late(due: object) -> None:
        if then == "newer" and not here.watch_once:
            here.watch_once = True
            await here.intent("i1", 2)
        if then == "late" and not here.watch_once:
            here.watch_once = True
            await here.wait(10)  # the machine slept
        await look(due)  # type: ignore[arg-type]

    courier._last_look = late  # type: ignore[method-assign]
    assert hook.took == []


@pytest.mark.spec("R-OUT-1")
async def test_what_was_overtaken_while_the_connection_was_made_is_not_said() -> None:
    async with world() as here:
        await here.wait(1)
        await overtaken(here, "newer")
        first = await here.intent("i1", 1)
        await here.wait(5)
        assert here.hooks["a"].ids == ["i1_2"]
        assert (await here.fate(first.sequence)).fate is Fate.SUPERSEDED
        assert [one.outcome for one in await here.attempts()][1:] == ["not_sent", "delivered"]


@pytest.mark.spec("R-OUT-1")
async def test_what_became_too_late_while_the_machine_slept_is_not_said() -> None:
    async with world() as here:
        await here.wait(1)
        await overtaken(here, "late")
        item = await here.intent("i1", deliver_in=5.0)
        await here.wait(200)
        assert here.hooks["a"].took == []
        assert (await here.fate(item.sequence)).fate is Fate.DEAD


async def test_a_gateway_that_was_fenced_off_says_nothing_more() -> None:
    class Fence:
        text = "store:1:1:me:" + "0" * 64
        stopped = False

        def heard(self, header: str) -> None:
            raise AssertionError(header)

    async with world(started=False) as here:
        fence = Fence()
        here.fence = fence
        here.start()
        await here.intent("i1")
        await here.wait(1)
        assert here.hooks["a"].got[-1].headers["Gridgate-Fence"] == fence.text
        fence.stopped = True
        await here.intent("i2")
        await here.wait(1)
        assert here.hooks["a"].ids == ["i1_1"]
        (failed,) = [task.exception() for task in here.running if task.done()]
        assert isinstance(failed, FencedError)


@pytest.mark.spec("R-DUR-12")
async def test_nothing_is_said_before_a_restored_store_is_complete() -> None:
    async with world(started=False) as here:
        here.is_open = False
        here.start()
        await here.intent("i1")
        await here.wait(60)
        assert here.hooks["a"].got == []
        here.is_open = True
        await here.wait(5)
        assert here.hooks["a"].ids == ["i1_1"]
        assert here.told == [("i1", "webhook")]


# --- names, stores, rows


class Rebinding:
    """Answers 127.0.0.1 first, and a place of the cloud's own from then on."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return ("127.0.0.1",) if self.asked == 1 else ("169.254.169.254",)


@pytest.mark.spec("reliability fault matrix, row 17")
async def test_a_name_that_is_rebound_after_the_question_gets_no_document() -> None:
    async with world(started=False) as here:
        here.resolve = Rebinding()
        here.host = "sched.site.example"
        here.start()
        item = await here.intent("i1", deliver_in=50.0)
        await here.wait(51)
        assert [got.method for got in here.hooks["a"].got] == ["OPTIONS"]
        dead = await here.fate(item.sequence)
        assert (dead.fate, dead.reason) == (Fate.DEAD, "FORBIDDEN_TARGET")
        tried = [one for one in await here.attempts() if one.sequence]
        assert tried[0].detail == (
            "sched.site.example: 169.254.169.254 is link-local, and where clouds keep credentials"
        )


@pytest.mark.parametrize("reason", ["BUSY", "FULL"])
async def test_a_store_that_refuses_delays_and_loses_nothing(reason: str) -> None:
    async with world(started=False) as here:
        refusing = Refusing(here.store, reason)
        here.store = refusing  # type: ignore[assignment]  # structurally the same
        here.start()
        await here.intent("i1")
        await here.wait(1)
        refusing.times = 3
        await here.intent("i2")
        await here.wait(10)
        assert here.hooks["a"].ids[:2] == ["i1_1", "i2_1"]
        assert set(here.hooks["a"].ids) == {"i1_1", "i2_1"}


class Refusing:
    """Refuses the next writes of deliveries."""

    def __init__(self, store: object, reason: str) -> None:
        self._store = store
        self._reason = reason
        self.times = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def write(self, job: object, step: object = "other") -> object:
        if self.times and str(step).startswith("delivery"):
            self.times -= 1
            raise StoreError(self._reason, "not now")
        return await self._store.write(job, step)  # type: ignore[attr-defined]


async def test_a_store_that_cannot_be_trusted_stops_the_courier() -> None:
    async with world(started=False) as here:
        refusing = Refusing(here.store, "IO_ERROR")
        here.store = refusing  # type: ignore[assignment]  # structurally the same
        refusing.times = 1
        here.start()
        await here.wait(1)
        assert isinstance(here.running[0].exception(), StoreError)


@pytest.mark.parametrize("table", ["webhook_endpoint", "webhook_delivery"])
async def test_a_changed_byte_makes_it_send_again_and_never_forget(
    tmp_path: Path, table: str
) -> None:
    path = tmp_path / "s.db"
    column = "cursor = cursor + 7" if table == "webhook_endpoint" else "fate = 'delivred'"
    with structlog.testing.capture_logs() as logs:
        async with world(url=f"sqlite:///{path}") as here:
            await here.intent("i1")
            await here.wait(1)
            await here.kill()
            with sqlite3.connect(path) as other:
                other.execute(f"UPDATE {table} SET {column}")
                if table == "webhook_delivery":
                    other.execute("DELETE FROM webhook_endpoint")
            here.start()
            await here.intent("i2")
            await here.wait(1)
            ids = here.hooks["a"].ids
    assert ids[-1] == "i2_1"
    assert ids.count("i1_1") == (1 if table == "webhook_endpoint" else 2)
    assert any(line["event"] == "row_corrupt" and line["table"] == table for line in logs)


def test_secrets_do_not_show_in_what_is_printed() -> None:
    hidden = repr(Sender.__dataclass_fields__["secrets"])
    assert SECRET not in hidden
