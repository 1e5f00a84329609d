"""A gateway in a process of its own delivers to an endpoint; the verbs beside it list, resend and replay."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.app.bootstrap import store_url
from gateway.app.ids import SystemIds
from gateway.client import verify_webhook
from gateway.client.clock import SystemClock
from gateway.config.load import load
from gateway.intents.envelope import intent_event
from gateway.pipeline.ports import Work
from gateway.pipeline.records import OutboxItem
from gateway.store.open import open_store
from tests.cli_world import CONFIG, installation
from tests.fakes import PlainSigner
from tests.forked import ran
from tests.southbound_fakes import PHX, SOURCE, sample_intent
from tests.webhook_receiver import Got, Receiver
from tests.webhook_world import SECRET

ROOT = Path(__file__).parents[2]
CLOCK = SystemClock()


@dataclass
class Place:
    """An installation with one endpoint, and what its gateway logged."""

    folder: Path
    hook: Receiver
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    async def say(self, *words: str) -> tuple[int, str, str]:
        done = await asyncio.to_thread(ran, "gateway", *words, "-c", str(self.config))
        return done.returncode, done.stdout, done.stderr

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Process]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "run", "-c", str(self.config), stderr=PIPE, cwd=ROOT
        )
        reader = asyncio.create_task(self._read(process))
        try:
            await self.until("gateway_started")
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            await reader

    async def _read(self, process: Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.lines.append(json.loads(line))

    async def until(self, word: str) -> None:
        async with CLOCK.timeout(90):
            while not any(line["event"] == word for line in self.lines):
                await CLOCK.sleep_until(CLOCK.now() + timedelta(milliseconds=20))

    async def posts(self, count: int) -> list[Got]:
        async with CLOCK.timeout(90):
            while len(found := [g for g in self.hook.got if g.method == "POST"]) < count:
                await CLOCK.sleep_until(CLOCK.now() + timedelta(milliseconds=20))
        return found

    async def queue(self, name: str, seconds: float) -> None:
        """Put an intent on the stream while no gateway runs."""
        now = CLOCK.now()
        deadline = now + timedelta(seconds=seconds)
        made = sample_intent(now, intent_id=name).model_copy(update={"deliver_by": deadline})

        def job(work: Work) -> None:
            place = work.outbox.next_sequence(PHX)
            intent = made.model_copy(update={"sequence": place})
            _, body = intent_event(intent, source=SOURCE, sign=PlainSigner().detached)
            work.outbox.add(
                OutboxItem(
                    site=PHX,
                    sequence=place,
                    kind="intent",
                    subject=name,
                    revision=1,
                    body=body,
                    created_at=now,
                    deliver_by=deadline,
                )
            )

        url = store_url(load(self.config))
        async with await open_store(url, ids=SystemIds()) as store:
            await store.write(job)


async def allow(got: Got) -> web.StreamResponse | None:
    if got.method == "OPTIONS":
        return web.Response(headers={"WebHook-Allowed-Origin": "gridgate"})
    return None


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    installation(tmp_path)
    secret = tmp_path / "hook.secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    async with Receiver(act=allow).serve() as hook:
        section = (
            f'[[site.webhook]]\nname = "sched"\nurl = "http://127.0.0.1:{hook.port}/hook"\n'
            f'secret_file = "hook.secret"\nallow = ["127.0.0.1"]\n\n[[utility]]'
        )
        text = CONFIG.replace("[[utility]]", section, 1)
        text = text.replace("port = 0", f"port = 0\nwebhook_ports = [{hook.port}]", 1)
        (tmp_path / "gateway.toml").write_text(text)
        yield Place(tmp_path, hook)


@pytest.mark.slow
async def test_deliveries_are_made_listed_resent_and_survive_a_kill(place: Place) -> None:
    await place.queue("i1", 3600)
    async with place.running() as first:
        (post,) = await place.posts(1)
        delivered = verify_webhook(post.headers, post.body, [SECRET], CLOCK.now())
        assert delivered.webhook_id == "i1_1"
        assert post.headers["Gridgate-Fence"]
        await place.until("webhook_ready")
        listed = await delivered_listing(place)
        assert listed["letter"] == "phx-1/sched/1"
        first.kill()
    await place.queue("i2", 3600)
    async with place.running():
        posts = await place.posts(2)
        assert [post.headers["webhook-id"] for post in posts] == ["i1_1", "i2_1"]
        code, out, _ = await place.say(
            "deliveries", "resend", "--site", "phx-1", "--endpoint", "sched", "--sequence", "1"
        )
        assert (code, out) == (0, "1 document(s) of site phx-1 are sent to sched once more\n")
        assert (await place.posts(3))[-1].headers["webhook-id"] == "i1_1"
        code, out, _ = await place.say(
            "deliveries", "list", "--attempts", "--site", "phx-1", "--endpoint", "sched"
        )
        assert code == 0
        assert out.count("delivered  ") == 3
        assert all(len(line) <= 80 for line in out.splitlines())
    planted = SECRET.removeprefix("whsec_")
    assert planted not in json.dumps(place.lines)
    kept = [path for path in (place.folder / "data").rglob("*") if path.is_file()]
    assert not any(planted.encode() in path.read_bytes() for path in kept)
    assert not any(b"s" * 32 in path.read_bytes() for path in kept)


async def delivered_listing(place: Place) -> dict[str, Any]:
    """Return the one delivery once it is written down."""
    async with CLOCK.timeout(90):
        while True:
            code, out, _ = await place.say("deliveries", "list", "--json")
            assert code == 0
            found = json.loads(out)["deliveries"]
            if found and found[0]["fate"] == "delivered":
                return dict(found[0])


@pytest.mark.slow
async def test_a_dead_letter_is_listed_and_its_replay_refused_past_its_end(place: Place) -> None:
    place.hook.status = 500
    await place.queue("i1", 8)
    async with place.running():
        await place.until("dead_letter")
        code, out, _ = await place.say("deadletters", "list", "--json")
        (letter,) = json.loads(out)["dead_letters"]
        assert (code, letter["letter"], letter["reason"]) == (0, "phx-1/sched/1", "HTTP_500")
        _, out, _ = await place.say("deadletters", "list")
        assert "phx-1/sched/1" in out
        assert all(len(line) <= 80 for line in out.splitlines())
        place.hook.status = 200
        tried = len(place.hook.got)
        code, out, _ = await place.say("deadletters", "replay", "--all")
        assert code == 1
        assert "phx-1/sched/1  refused [TOO_LATE]: it was of use until" in out
        code, out, _ = await place.say("deadletters", "replay", "phx-1/sched/9", "--json")
        assert (code, json.loads(out)["letters"][0]["refused"]) == (1, "NOT_FOUND")
        assert len(place.hook.got) == tried
    code, _, err = await place.say("deadletters", "replay", "phx-1/sched/1")
    assert (code, "gridgate run -c FILE" in err) == (3, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("deadletters list", 0, "no dead letters"),
        ("deliveries list", 0, "no deliveries yet"),
        ("deliveries list --site nowhere", 1, "there is no site"),
        ("deadletters list --site nowhere", 1, "there is no site"),
        ("deliveries list --limit 0", 2, "must be 1 or more"),
        ("deliveries list --attempts", 2, "--site and --endpoint"),
        ("deliveries list --attempts --site phx-1 --endpoint x", 1, "it has sched"),
        ("deliveries list --attempts --site phx-1 --endpoint sched", 0, "no attempts yet"),
        ("deadletters replay", 2, "name dead letters, or give --all"),
        ("deadletters replay a --all", 2, "name dead letters, or give --all"),
        ("deliveries resend --site phx-1 --endpoint sched", 2, "one of both"),
        ("deliveries resend --site phx-1 --endpoint sched --since 0", 3, "run -c FILE"),
    ],
)
@pytest.mark.slow
async def test_wrong_use_and_empty_lists_are_told(
    place: Place, words: str, code: int, said: str
) -> None:
    async with await open_store(store_url(load(place.config)), ids=SystemIds()):
        pass
    found, out, err = await place.say(*words.split())
    assert (found, said in out + err) == (code, True), out + err
    assert "Traceback" not in err
