"""The demonstration as three processes on one fast timeline: utility, gateway, site. Each may be killed and restarted.

Every command line is printed, and stands in ``processes.json`` with its process id. The demonstration goes on when a
child is lost: what was killed can be started again, in another terminal, by the line that was printed.
"""

import asyncio
import json
import shlex
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from conformance.demo.conclude import Ran
from conformance.demo.harvest import Harvest, harvest
from conformance.demo.live import Tail, View, stderr_view
from conformance.demo.outcome import Happening
from conformance.demo.scenario import EVENT_ID, MARKET_CONTEXT, PHOENIX, SITE, VTN_ID
from conformance.demo.setting import Pace, Setting, oadr2b_section, prepare, write_config
from conformance.site.journal import Journal
from conformance.site.minutes import RunOptions
from conformance.site.program import ProgramOptions
from gateway.app.access import reading, writing
from gateway.app.ids import SystemIds
from gateway.client.clock import ScaledClock, SystemClock
from gateway.config.load import load
from gateway.domain.errors import SessionError
from gateway.domain.names import SiteId
from gateway.domain.timespan import duration_text, instant, instant_text
from gateway.pipeline.prove import Prover
from gateway.southbound.tokens import create_token

LEAD: Final = timedelta(seconds=8)
"""Real time for the processes to start before the site's day begins: an event that finds no samples is declined."""
LOOK_EVERY_S: Final = 0.1
PATIENCE_S: Final = 30.0
"""Real time after the run for reports and the statement to arrive."""
PEER: Final = "gridgate VTN (OpenADR 2.0b), own process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What every process is told about time."""

    origin: datetime
    started: datetime
    factor: float

    @property
    def clock(self) -> ScaledClock:
        """Make this process's view of it."""
        return ScaledClock(self.origin, self.started, self.factor)

    @property
    def arguments(self) -> list[str]:
        """Return the command-line options of every process."""
        return [
            "--clock-origin",
            instant_text(self.origin),
            "--clock-start",
            f"{self.started.timestamp():.6f}",
            "--clock-factor",
            f"{self.factor:g}",
        ]


@dataclass
class Child:
    """One process and the line that starts it."""

    name: str
    command: list[str]
    log: Path
    process: asyncio.subprocess.Process | None = None
    lost: bool = False

    async def start(self) -> None:
        """Start it; what it prints goes to its log."""
        with self.log.open("ab") as out, self.log.with_suffix(".err").open("ab") as errors:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=errors
            )

    @property
    def alive(self) -> bool:
        """Say whether the process that we started still runs."""
        return self.process is not None and self.process.returncode is None

    async def stop(self) -> None:
        """End what we started, if it still runs."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()


@dataclass
class Demonstration:
    """Three processes, watched.

    Args:
        setting: Folder, certificates, pace.
        seed: Plant noise.
        buffered: False: the site keeps no telemetry while it is cut off.
    """

    setting: Setting
    seed: int
    buffered: bool
    ports: tuple[int, int] = field(default_factory=lambda: (_free_port(), _free_port()))
    timeline: Timeline = field(init=False)
    children: dict[str, Child] = field(default_factory=dict)
    told: list[Happening] = field(default_factory=list)

    async def play(self) -> Ran:
        """Run the whole day.

        Raises:
            SessionError: ``NOT_FOUND`` when no statement came about.
        """
        factor = self.setting.pace.factor
        vtn_port, port = self.ports
        url = f"https://localhost:{vtn_port}/OpenADR2/Simple/2.0b"
        write_config(self.setting, utility=oadr2b_section(self.setting, url), port=port)
        await self._make_token()
        self.timeline = Timeline(
            origin=PHOENIX.run.start - LEAD * factor, started=SystemClock().now(), factor=factor
        )
        self._cast()
        try:
            await self._start()
            with stderr_view(PHOENIX.run, factor) as view:
                await self._watch(view)
            found, bundle = await self._harvest()
        finally:
            for child in reversed(self.children.values()):
                await child.stop()
        return self._ran(found, bundle)

    async def _make_token(self) -> None:
        async with writing(load(self.setting.config)) as store:
            token = await create_token(
                store, SystemIds(), name="site", site=SiteId(SITE), now=PHOENIX.run.start
            )
        self.setting.token_file.touch(mode=0o600)
        self.setting.token_file.write_text(token, encoding="utf-8")

    def _cast(self) -> None:
        """Write down every command line."""
        folder, python = self.setting.folder, sys.executable
        schedule = _write_schedule(self.setting, self.ports[0])
        lines = {
            "utility": [
                "-m",
                "conformance.cli.main",
                "serve",
                "vtn2b",
                "--schedule",
                str(schedule),
            ],
            "gateway": ["-m", "gateway", "run", "-c", str(self.setting.config)],
            "site": self._site_line(),
        }
        for name, line in lines.items():
            command = [python, *line, *self.timeline.arguments]
            self.children[name] = Child(name, command, folder / f"{name}.log")

    def _site_line(self) -> list[str]:
        folder = self.setting.folder
        buffer = [] if self.buffered else ["--no-buffer"]
        return [
            *("-m", "conformance.site"),
            *("--url", f"https://localhost:{self.ports[1]}/v1"),
            *("--token-file", str(self.setting.token_file)),
            *("--ca", str(self.setting.anchor)),
            *("--site", SITE),
            *("--seed", str(self.seed)),
            *("--start", instant_text(PHOENIX.run.start)),
            *("--end", instant_text(PHOENIX.run.end)),
            *("--state", str(folder / "site")),
            *("--trace", str(folder / "site.trace")),
            *("--heartbeat-s", f"{self.setting.pace.heartbeat_s:g}"),
            *buffer,
        ]

    async def _start(self) -> None:
        for child in self.children.values():
            await child.start()
            sys.stderr.write(f"{child.name}: {shlex.join(child.command)}\n")
        document = {
            name: {"pid": child.process.pid if child.process else 0, "command": child.command}
            for name, child in self.children.items()
        }
        text = json.dumps(document, indent=2)
        (self.setting.folder / "processes.json").write_text(text, encoding="utf-8")

    async def _watch(self, view: View) -> None:
        trace = Tail(self.setting.folder / "site.trace")
        answers = Tail(self.children["utility"].log)
        site = self.children["site"]
        deadline = self._real_end() + timedelta(seconds=PATIENCE_S)
        clock = SystemClock()
        while site.alive or not self._over():
            view.show(trace.lines())
            for line in answers.lines():
                self._hear(line, view)
            self._count(view)
            if clock.now() > deadline:
                break
            await clock.sleep_until(clock.now() + timedelta(seconds=LOOK_EVERY_S))
        view.show(trace.lines())

    def _over(self) -> bool:
        return self.timeline.clock.now() >= PHOENIX.run.end

    def _real_end(self) -> datetime:
        left = (PHOENIX.run.end - self.timeline.origin) / self.timeline.factor
        return self.timeline.started + left

    def _hear(self, line: Mapping[str, Any], view: View) -> None:
        what = _WORDS.get(str(line.get("what")))
        if what is None or "at" not in line:
            return
        happening = Happening(at=instant(str(line["at"])), what=what.format(**line))
        self.told.append(happening)
        view.tell(happening.at, happening.what)

    def _count(self, view: View) -> None:
        """Say once that a child is gone, and how to bring it back."""
        for child in self.children.values():
            if not child.alive and not child.lost and not self._over():
                child.lost = True
                now = self.timeline.clock.now()
                view.tell(now, f"the {child.name} is gone; start it again with:")
                view.tell(now, shlex.join(child.command))

    async def _harvest(self) -> tuple[Harvest, dict[str, bytes]]:
        """Read the store beside the gateway, which somebody may have restarted, as soon as the statement is there."""
        clock = SystemClock()
        deadline = clock.now() + timedelta(seconds=PATIENCE_S)
        async with reading(load(self.setting.config), self.timeline.clock) as office:
            while True:
                try:
                    found = await office.store.read(
                        lambda work: harvest(work, PHOENIX.run, EVENT_ID)
                    )
                except SessionError:
                    if clock.now() > deadline:
                        raise
                    await clock.sleep_until(clock.now() + timedelta(seconds=LOOK_EVERY_S))
                else:
                    return found, await Prover(office).bundle(found.statement.id)

    def _ran(self, found: Harvest, bundle: dict[str, bytes]) -> Ran:
        options = ProgramOptions(site=SITE, run=RunOptions(span=PHOENIX.run, seed=self.seed))
        journal = Journal(self.setting.folder / "site" / "journal", options.name)
        factor = self.timeline.factor
        asked = found.record.intent.received_at
        seen = next(
            (at for at, plan in journal.plans if at >= asked and plan.open_questions), asked
        )
        return Ran(
            scenario=PHOENIX,
            harvest=found,
            history=journal.plans,
            seed=self.seed,
            peer=PEER,
            intake_ms=(seen - asked).total_seconds() / factor * 1000,
            bundle=bundle,
            story=self.told,
        )


_WORDS: Final = {
    "registered": "the gateway registers with the utility",
    "answered": "the utility has the answer {opt}",
}


def _write_schedule(setting: Setting, port: int) -> Path:
    """Write what the utility does as a schedule of its own program."""
    path = setting.folder / "utility.toml"
    hold = PHOENIX.hold
    path.write_text(
        _SCHEDULE.format(
            port=port,
            certificate=setting.vtn.certificate.resolve(),
            key=setting.vtn.key.resolve(),
            ca=setting.anchor.resolve(),
            vtn_id=VTN_ID,
            poll=duration_text(timedelta(seconds=setting.pace.poll_s)),
            event=EVENT_ID,
            context=MARKET_CONTEXT,
            start=instant_text(hold.start),
            published=instant_text(PHOENIX.published_at),
            ramp=duration_text(PHOENIX.ramp_in),
            recovery=duration_text(PHOENIX.recovery),
            lasts=duration_text(hold.duration),
            share=PHOENIX.multiplier,
            site=SITE,
        ),
        encoding="utf-8",
    )
    return path


_SCHEDULE: Final = """\
# What the utility of the Phoenix demonstration does.
[listen]
port = {port}
certificate = "{certificate}"
key = "{key}"
ca = "{ca}"

[vtn]
id = "{vtn_id}"
poll_every = "{poll}"
requests_per_s = 0

[[event]]
id = "{event}"
market_context = "{context}"
start = "{start}"
publish_at = "{published}"
notification = "PT30M"
ramp_up = "{ramp}"
recovery = "{recovery}"
priority = 1
resources = ["{site}"]

[[event.signal]]
name = "LOAD_DISPATCH"
type = "multiplier"
intervals = [{{ duration = "{lasts}", value = {share} }}]

[[report]]
id = "demo-usage"
name = "TELEMETRY_USAGE"
granularity = "PT5M"
back = "PT15M"
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def play_scaled(folder: Path, seed: int, factor: float, *, buffered: bool) -> Ran:
    """Run the demonstration as three processes."""
    setting = prepare(folder, Pace(factor=factor))
    return asyncio.run(Demonstration(setting, seed, buffered).play())
