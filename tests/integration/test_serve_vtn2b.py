"""``gridgate-conformance serve vtn2b`` as its own process: told, killed, restarted, stopped."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from conformance.cli.main import run
from conformance.peers.programme import Cancel, Modify, Planned, Publish, run_programme
from gateway.app.virtual import VirtualClock
from gateway.client.clock import SystemClock
from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    OadrCreatedEvent,
    OadrDistributeEvent,
    OadrResponse,
    OptType,
)
from gateway.protocols.oadr2b.vtn_records import EventRecord
from tests.vtn_story import HOUR, MINUTE, T0, event, only, response
from tests.vtn_wire import Pki, WireVen, serving, visiting_url

SCHEDULE = """
[listen]
certificate = "vtn.pem"
key = "vtn.key"
ca = "anchor.pem"

[vtn]
id = "GRIDGATE-TEST"
store = "vtn.db"

[[event]]
id = "e1"
market_context = "http://utility.example/fast-dr"
start_after = "PT2H"

[[event.signal]]
intervals = [{ duration = "PT1H", value = 2 }]

[[event.modification]]
after = "PT10M"
priority = 1

[[event]]
id = "e2"
market_context = "http://utility.example/fast-dr"
start_after = "PT5H"
publish_after = "PT1000H"

[[event.signal]]
intervals = [{ duration = "PT1H", value = 1 }]
"""
PATIENCE_S = 20.0


@dataclass
class Served:
    """A running utility and what it says."""

    process: asyncio.subprocess.Process
    lines: list[dict[str, Any]]

    async def until(self, what: str) -> dict[str, Any]:
        """Read on until a line of a kind."""
        assert self.process.stdout is not None
        async with SystemClock().timeout(PATIENCE_S):
            while raw := await self.process.stdout.readline():
                self.lines.append(json.loads(raw))
                if self.lines[-1]["what"] == what:
                    return self.lines[-1]
        raise AssertionError(f"it ended before it said {what}")

    async def ended(self, name: signal.Signals) -> int:
        self.process.send_signal(name)
        async with SystemClock().timeout(PATIENCE_S):
            return await self.process.wait()


@asynccontextmanager
async def served(folder: Path | None, *arguments: str) -> AsyncIterator[Served]:
    schedule = () if folder is None else ("--schedule", str(folder / "schedule.toml"))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "conformance.cli.main", "serve", "vtn2b"),
        *(*schedule, *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Served(process, [])
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    pki = Pki(tmp_path)
    pki.server()
    (tmp_path / "schedule.toml").write_text(SCHEDULE)
    return pki


@pytest.mark.slow
async def test_it_survives_a_kill_on_a_shared_timeline(pki: Pki) -> None:
    now = datetime.now(UTC).timestamp()  # noqa: TID251 - the wall is where a timeline is anchored
    anchor = ("--clock-origin", "2031-07-01T12:00:00Z", "--clock-start", str(now - 2))
    timeline = (*anchor, "--clock-factor", "400")
    context = pki.client("v1")

    async with served(pki.folder, *timeline) as first:
        listening = await first.until("listening")
        async with visiting_url(listening["url"], context) as ven:
            await ven.register()
            before = await event_of(ven)
        first.process.kill()
        await first.process.wait()
    async with served(pki.folder, *timeline) as second:
        listening = await second.until("listening")
        async with visiting_url(listening["url"], context) as again:
            again.ven_id, again.registration_id = ven.ven_id, ven.registration_id
            after = await event_of(again)
            await answer(again, after)
        answered = await second.until("answered")
        assert await second.ended(signal.SIGTERM) == 0

    descriptor = after.oadr_events[0].ei_event.event_descriptor
    assert before.oadr_events[0].ei_event.event_descriptor.event_id == "e1"
    assert (descriptor.event_id, descriptor.modification_number) == ("e1", 1)
    assert after.oadr_events[0].ei_event.ei_active_period.dtstart == datetime(
        2031, 7, 1, 14, tzinfo=UTC
    )
    assert listening["vtn_id"] == "GRIDGATE-TEST"
    assert listening["at"].startswith("2031-07-01T")
    assert (answered["event_id"], answered["opt"], answered["ven_id"]) == (
        "e1",
        "optIn",
        ven.ven_id,
    )
    assert "registered" not in {line["what"] for line in second.lines}, "it was known already"


async def event_of(ven: WireVen) -> OadrDistributeEvent:
    clock = SystemClock()
    for _ in range(100):
        found = await ven.poll()
        if isinstance(found, OadrDistributeEvent):
            number = found.oadr_events[0].ei_event.event_descriptor.modification_number
            if number == 1:
                return found
        await clock.sleep_until(clock.now() + timedelta(milliseconds=50))
    raise AssertionError("no event at version 1")


async def answer(ven: WireVen, found: OadrDistributeEvent) -> None:
    descriptor = found.oadr_events[0].ei_event.event_descriptor
    message = OadrCreatedEvent(
        ei_response=EiResponse(request_id=""),
        event_responses=(
            response(descriptor.event_id, descriptor.modification_number, OptType.OPT_IN),
        ),
        ven_id=ven.ven_id,
    )
    assert only(OadrResponse, await ven.say("EiEvent", message)).ei_response.is_success


@pytest.mark.slow
async def test_an_interrupt_ends_it_with_four(pki: Pki) -> None:
    async with served(pki.folder) as utility:
        await utility.until("listening")

        assert await utility.ended(signal.SIGINT) == 4


@pytest.mark.slow
async def test_an_address_in_use_ends_it_with_three(pki: Pki) -> None:
    async with serving(None) as other:
        schedule = SCHEDULE.replace("[listen]", f"[listen]\nport = {other.port}")
        (pki.folder / "schedule.toml").write_text(schedule)
        async with served(pki.folder) as utility, SystemClock().timeout(PATIENCE_S):
            assert await utility.process.wait() == 3


@pytest.mark.slow
async def test_files_that_do_not_fit_end_it_with_four(pki: Pki) -> None:
    (pki.folder / "vtn.key").write_bytes((pki.files("v1").key).read_bytes())
    async with served(pki.folder) as utility, SystemClock().timeout(PATIENCE_S):
        assert await utility.process.wait() == 4


async def test_a_programme_runs_in_virtual_time_and_again_over_what_is_there() -> None:
    clock = VirtualClock(T0)
    failed: list[tuple[str, str]] = []

    def note(planned: Planned, error: MisuseError) -> None:
        failed.append((planned.deed.what, error.reason))

    plan = (
        Planned(at=T0 + 20 * MINUTE, deed=Cancel(event_id="e1")),
        Planned(at=T0 + 5 * MINUTE, deed=Publish(event=event())),
        Planned(at=T0 + 10 * MINUTE, deed=Modify(event=event(priority=1), version=1)),
        Planned(at=T0 + 15 * MINUTE, deed=Modify(event=event(priority=2), version=2)),
        Planned(at=T0 + 3 * HOUR, deed=Cancel(event_id="never")),
    )
    async with serving(None, clock=clock) as utility:
        await run_programme(utility, plan, clock, note)
        published = utility.page().all(EventRecord)
        ended = clock.now()
        await run_programme(utility, plan, clock, note)

        assert utility.page().all(EventRecord) == published

    assert [(record.event_id, record.version) for record in published] == [("e1", 3)]
    assert published[0].cancelled_at == T0 + 20 * MINUTE
    assert ended == T0 + 3 * HOUR
    assert failed == [("cancel never", "UNKNOWN_EVENT")] * 2


@pytest.mark.slow
async def test_without_a_schedule_an_operator_tells_it_and_a_kill_loses_nothing(
    tmp_path: Path,
) -> None:
    token = tmp_path / "token"
    token.write_text("a token of our own choice\n")
    arguments = ("--store", str(tmp_path / "vtn.db"), "--admin-token-file", str(token))
    headers = {"Authorization": "Bearer a token of our own choice"}
    body = {
        "id": "e1",
        "market_context": "http://utility.example/fast-dr",
        "start": "2041-07-01T20:00:00Z",
        "signals": [{"intervals": [{"duration": "PT1H", "value": 2}]}],
    }

    async with aiohttp.ClientSession(headers=headers) as http:
        async with served(None, *arguments) as first:
            listening = await first.until("listening")
            async with http.post(f"{listening['admin']}/v1/events", json=body) as answer:
                assert answer.status == 201
            await first.ended(signal.SIGKILL)
        async with served(None, *arguments) as second:
            listening = await second.until("listening")
            async with http.get(f"{listening['admin']}/v1/events") as answer:
                events = (await answer.json())["events"]
            assert await second.ended(signal.SIGTERM) == 0

    assert "token" not in listening
    assert [event["id"] for event in events] == ["e1"]


def test_wrong_options_are_told(tmp_path: Path) -> None:
    short = tmp_path / "token"
    short.write_text("short")
    for arguments in (
        ("--port", "70000"),
        ("--admin-port", "-1"),
        ("--admin-token-file", str(short)),
        ("--admin-token-file", str(tmp_path / "none")),
        ("--vtn-id", ""),
    ):
        assert refused(*arguments) == 4, arguments


def test_what_stands_in_a_schedule_is_not_told_beside_it(pki: Pki, tmp_path: Path) -> None:
    schedule = ("--schedule", str(tmp_path / "schedule.toml"))
    for arguments in (("--store", str(tmp_path / "s.db")), ("--port", "0"), ("--vtn-id", "X")):
        assert refused(*schedule, *arguments) == 4, arguments


def refused(*arguments: str) -> int:
    """Return the exit code of a command line that starts nothing."""
    try:
        return run(["serve", "vtn2b", *arguments])
    except SystemExit as left:
        return int(str(left.code))
