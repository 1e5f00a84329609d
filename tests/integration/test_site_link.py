"""The reference site against the real southbound interface: in virtual time, through outages, and as a process."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from conformance.site.__main__ import main
from conformance.site.journal import Journal
from conformance.site.link import LinkOptions, client_options, connected
from conformance.site.minutes import RunOptions
from conformance.site.offline import RunResult, simulate
from conformance.site.program import ProgramOptions, SiteProgram, Summary
from conformance.site.trace import Trace
from gateway.app.virtual import VirtualClock
from gateway.client.clock import ScaledClock, SystemClock
from gateway.domain.errors import GatewayError
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.names import IntentId
from gateway.domain.participation import Opt
from gateway.domain.plan import OpenQuestion
from gateway.domain.timespan import Span, instant_text
from gateway.southbound.parts import Pace
from tests.site_fakes import EVENT, LIMIT_KW, MINUTE, RUN, RUN_START, plan, staircase
from tests.southbound_fakes import SmallGateway, sample_intent

PUBLISHED = RUN_START + timedelta(minutes=80, seconds=30)
ASKED = plan(
    staircase(),
    revision=2,
    questions=(
        OpenQuestion(
            intent_id="intent-1", revision=1, opt_by=PUBLISHED + MINUTE, asked_kw=LIMIT_KW
        ),
    ),
)


@cache
def reference() -> RunResult:
    return simulate([(PUBLISHED, ASKED)], RunOptions(span=RUN))


def metered(gateway: SmallGateway) -> list[Decimal]:
    """Return what arrived for the contract meter, in the order of time."""
    samples = sorted(
        (sample.start, sample.energy_kwh)
        for batch in gateway.desk.batches
        for sample in batch.samples
        if sample.meter == "it_load"
    )
    return [energy for _, energy in samples]


def in_full() -> list[Decimal]:
    return [minute.it_kwh for minute in reference().minutes]


@asynccontextmanager
async def publishing(
    gateway: SmallGateway, clock: VirtualClock, *later: tuple[datetime, Callable[[], object]]
) -> AsyncIterator[None]:
    """Send the event's intent and plan when its time has come, and do what else is due."""

    async def publish() -> None:
        with clock.held():
            await clock.sleep_until(PUBLISHED)
            gateway.send_intent(asking(PUBLISHED))
            gateway.send_plan(ASKED)
            for at, act in later:
                await clock.sleep_until(at)
                act()

    task = asyncio.create_task(publish())
    yield
    await task


def asking(now: datetime, revision: int = 1) -> ComputeFlexIntent:
    return sample_intent(now, revision=revision)


def program(clock: VirtualClock | ScaledClock, folder: Path | None = None) -> SiteProgram:
    options = ProgramOptions(site="phx-1", run=RunOptions(span=RUN))
    return SiteProgram(
        options=options,
        clock=clock,
        journal=Journal(folder, options.name),
        trace=Trace(None, options.run.mix),
    )


async def played(clock: VirtualClock, url: str, token: str, *, buffered: bool = True) -> Summary:
    site = program(clock)
    options = LinkOptions(
        url=f"{url}/v1", site="phx-1", token=token, client=client_options(buffered=buffered)
    )
    async with connected(options, clock, site.lease_lost) as link:
        return await site.run(link)


@pytest.mark.slow
async def test_a_day_in_virtual_time_reaches_the_gateway_in_full() -> None:
    clock = VirtualClock(RUN_START)
    gateway = SmallGateway(clock, Pace(burst=100_000))
    token = gateway.token()

    with clock.held():
        async with gateway.serve() as listener, publishing(gateway, clock):
            summary = await played(clock, listener.url, token)

    assert metered(gateway) == in_full()
    assert summary.account == reference().account
    assert (summary.untold, summary.refused, summary.dropped_samples) == (0, 0, 0)
    ((intent, commitment),) = gateway.desk.commitments
    assert (intent, commitment.opt, commitment.actions) == ("intent-1", Opt.IN, ("dvfs",))
    kinds = [kind for kind, _, _ in gateway.desk.calls]
    assert kinds.count("progress") == 3
    assert kinds.count("complete") == 1


async def away(gateway: SmallGateway, clock: VirtualClock) -> None:
    """Serve, but not from the middle of minute 120 to minute 150, and until the site has told everything."""
    with clock.held():
        async with gateway.serve(), publishing(gateway, clock):
            await clock.sleep_until(RUN_START + 120.5 * MINUTE)
        await clock.sleep_until(RUN_START + 150 * MINUTE)
        async with gateway.serve():
            await clock.sleep_until(RUN.end + 30 * MINUTE)


@pytest.mark.slow
@pytest.mark.parametrize("buffered", [True, False])
async def test_an_outage_of_the_gateway_loses_samples_only_without_a_buffer(buffered: bool) -> None:
    clock = VirtualClock(RUN_START)
    gateway = SmallGateway(clock, Pace(burst=100_000))
    token = gateway.token()
    with clock.held():
        async with gateway.serve():
            pass  # takes a port, and keeps it
        outage = asyncio.create_task(away(gateway, clock))
        url = f"http://127.0.0.1:{gateway.port}"
        summary = await played(clock, url, token, buffered=buffered)
    await outage

    if buffered:
        assert metered(gateway) == in_full()
        assert (summary.untold, summary.dropped_samples) == (0, 0)
    else:
        assert summary.dropped_samples == 2 * (400 - len(metered(gateway))) > 0
    assert summary.leases_lost == 1
    assert summary.account == reference().account


@pytest.mark.slow
@pytest.mark.parametrize(("streamed", "refused"), [(True, 0), (False, 3)])
async def test_progress_about_a_revision_that_was_overtaken_is_said_again_about_the_new_one(
    streamed: bool, refused: int
) -> None:
    clock = VirtualClock(RUN_START)
    gateway = SmallGateway(clock, Pace(burst=100_000))
    token = gateway.token()
    newer = asking(PUBLISHED, revision=2)

    def overtake() -> None:
        record = gateway.store.work.intents.records[IntentId("intent-1")]
        gateway.store.work.intents.put(replace(record, intent=newer))

    def stream() -> None:
        if streamed:
            gateway.send_intent(newer)

    told = EVENT.start + MINUTE  # "holding" is said at the end of the hold's first minute
    later = ((told - timedelta(seconds=2), overtake), (told + timedelta(seconds=2), stream))
    with clock.held():
        async with gateway.serve() as listener, publishing(gateway, clock, *later):
            summary = await played(clock, listener.url, token)

    kinds = [kind for kind, _, _ in gateway.desk.calls]
    assert kinds.count("progress") == 3 - max(0, refused - 1)
    assert summary.refused == refused


@pytest.mark.slow
async def test_a_gateway_that_does_not_let_the_site_in_ends_the_program() -> None:
    clock = VirtualClock(RUN_START)
    gateway = SmallGateway(clock)

    with clock.held():
        async with gateway.serve() as listener:
            with pytest.raises(BaseExceptionGroup) as caught:
                await played(clock, listener.url, "wrong")

    assert caught.group_contains(GatewayError)


HOUR = Span.lasting(RUN_START, 60 * MINUTE)
SHORT = Span(start=RUN_START + 25 * MINUTE, end=RUN_START + 45 * MINUTE)
FACTOR = 300.0


def command(clock_start: float, url: str, folder: Path) -> list[str]:
    """Return the command line of a site that plays an hour in six seconds."""
    (folder / "token").write_text("secret-of-phx-1\n")
    return [
        sys.executable,
        *("-m", "conformance.site", "--url", f"{url}/v1", "--site", "phx-1"),
        *("--token-file", str(folder / "token"), "--seed", "4"),
        *("--start", instant_text(HOUR.start), "--end", instant_text(HOUR.end)),
        *("--clock-origin", instant_text(RUN_START), "--clock-start", str(clock_start)),
        *("--clock-factor", str(FACTOR), "--heartbeat-s", "600"),
        *("--state", str(folder), "--trace", str(folder / "trace"), "--json"),
    ]


async def start(line: list[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *line, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )


@pytest.mark.slow
async def test_a_killed_process_started_again_by_its_command_line_completes_the_same_run(
    tmp_path: Path,
) -> None:
    began = SystemClock().now() + timedelta(seconds=6)  # a process takes a while to start
    clock = ScaledClock(RUN_START, began, FACTOR)
    gateway = SmallGateway(clock, Pace(burst=100_000))
    gateway.token()
    event = plan(staircase(event=SHORT))
    gateway.send_intent(asking(clock.now()))
    gateway.send_plan(event)

    async with gateway.serve() as listener:
        line = command(began.timestamp(), listener.url, tmp_path)
        first = await start(line)
        await clock.sleep_until(RUN_START + 33 * MINUTE)
        first.send_signal(signal.SIGKILL)
        await first.wait()
        second = await start(line)
        out, _ = await second.communicate()

    assert (first.returncode, second.returncode) == (-signal.SIGKILL, 0)
    expected = simulate([(RUN_START, event)], RunOptions(span=HOUR, seed=4))
    assert metered(gateway) == [minute.it_kwh for minute in expected.minutes]
    told = json.loads(out)
    assert told["weighted_throughput"] == float(expected.account.weighted_throughput)
    assert (told["minutes"], told["untold"], told["refused"]) == (60, 0, 0)
    assert (told["simulated"], all(told["floors_met"].values())) == (True, True)
    lines = (tmp_path / "trace").read_text().splitlines()
    assert [json.loads(each)["number"] for each in lines] == list(range(60))
    assert all(minute.it_kw <= LIMIT_KW for minute in expected.minutes[25:45])


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (("--start", "yesterday"), "--start"),
        (("--scale", "0"), "--scale"),
        (("--policy", "none"), "--policy"),
        (("--end", "2000-01-01T00:00:00Z"), "end before it starts"),
    ],
)
def test_wrong_use_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: tuple[str, str], named: str
) -> None:
    line = command(0.0, "http://127.0.0.1:9", tmp_path)[3:]

    with pytest.raises(SystemExit) as exit_:
        main([*line, *wrong])

    assert exit_.value.code == 2
    assert named in capsys.readouterr().err


def test_the_state_of_another_run_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Journal(tmp_path / "journal", "another run")

    with pytest.raises(SystemExit):
        main(command(0.0, "http://127.0.0.1:9", tmp_path)[3:])

    assert "name another" in capsys.readouterr().err
