"""Plays one case: peer up, device into its first state, script, everything down again; all of it into the history."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from conformance.engine.defects import cleaned
from conformance.engine.drivers.entry import EntryHands, Place
from conformance.engine.drivers.hands import Driving
from conformance.engine.errors import DriverMissingError, PreconditionError
from conformance.engine.facts import facts_of, poll_of
from conformance.engine.identities_by_role import CLIENT, SERVER
from conformance.engine.play_sep2 import play_client
from conformance.engine.play_sep2_server import play_server
from conformance.engine.preparation import afresh, prepare_ven, prepare_vtn
from conformance.engine.record import BEGIN, END
from conformance.engine.setting import Carried, Setting
from conformance.engine.stage import PlayedVenStage, Scene
from conformance.engine.tape import Tape
from conformance.engine.vtn_stage import PlayedVtnStage
from conformance.engine.watch import Watch
from conformance.kit import verdict
from conformance.kit.case import Case, Start
from conformance.kit.stage import UnobservedError
from conformance.kit.transcript import Transcript
from conformance.peers.script2b.state import Names, Settings
from conformance.peers.script2b.utility import Network, ScriptedUtility
from conformance.peers.script2b.ven import Identity, ScriptedVen
from gateway.app.ids import SeededChance
from gateway.domain.ports import Clock

SIGNS: Final = "xml_signature"
"""Fact of a case, and value of the IXIT: ``yes``, the device is set to high security."""


@dataclass
class _Play:
    case: Case
    setting: Setting
    carried: Carried
    clock: Clock = field(init=False)
    tape: Tape = field(init=False)
    task: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        self.clock = self.setting.clock(self.stuck)
        facts = facts_of(self.case, self.setting.poll_s)
        transcript = Transcript(case=self.case.id, mode=self.setting.mode, facts=facts)
        self.tape = Tape(self.setting.archive, transcript, self.clock, ended=self.ended)

    def stuck(self, holders: str) -> None:
        """End a case whose clock does not move."""
        self.tape.mark(verdict.DEFECT, what=holders)
        if self.task is not None:
            self.task.cancel()

    def ended(self, mark: str, what: str) -> None:
        """End a case in which the device does not stop sending."""
        self.tape.mark(mark, what=what)
        if self.task is not None:
            self.task.cancel()

    async def whole(self) -> None:
        """Play from peer up to peer down."""
        with self.clock.held():
            if self.setting.role == "ven":
                await self._against_ven()
            elif self.setting.role == CLIENT:
                await play_client(self)
            elif self.setting.role == SERVER:
                await play_server(self)
            else:
                await self._against_vtn()

    @property
    def network(self) -> Network:
        """Return how the scripted peers meet the device."""
        return Network(
            clock=self.clock,
            tape=self.tape,
            contexts=self.setting.identities.server,
            client=self.setting.identities.client,
            address=self.setting.address,
            signer=self.setting.identities.signer,
            stranger=self.setting.identities.stranger,
            masks=self.setting.identities.masks,
        )

    @property
    def names(self) -> Names:
        """Return fresh ids."""
        return Names(self.setting.seed, self.case.id)

    async def _against_ven(self) -> None:
        utility = ScriptedUtility(self._settings(), self.network, self.names, self.carried.account)
        later = self.opens_later()
        if not later:
            await utility.open()
        second = await self._second()
        entry = self.entry("" if later else utility.url, second.url if second else "")
        driver = Driving(entry or self.setting.hands, self.tape)
        stage = PlayedVenStage(self.scene(driver))
        stage.utility = utility
        if second is not None:
            stage.second = second
        try:
            await self.judged(lambda: self._play_ven(stage, utility, driver))
        finally:
            if entry is not None:
                await self.clean(lambda: self.end(entry))
            else:
                self.carried.account = utility.state.account
            await self.clean(utility.close)
            if second is not None:
                await self.clean(second.close)

    async def _second(self) -> ScriptedUtility | None:
        """Open the other VTN of a case that has two; the port of it is in the IXIT for devices outside this process."""
        if dict(self.case.facts).get("second_vtn") != "yes":
            return None
        first, port = self.setting.address, int(self.setting.values.get("second_listen_port", "0"))
        told = self._settings()
        made = ScriptedUtility(
            replace(told, vtn_id=f"{told.vtn_id}-Second"),
            replace(self.network, address=replace(first, port=port)),
            Names(self.setting.seed, f"{self.case.id}/second"),
        )
        await made.open()
        return made

    def opens_later(self) -> bool:
        """Say whether a device of earlier cases may still be talking, which must not be heard in a fresh start."""
        outside = self.setting.factory is None and self.setting.hands.can("start")
        return self.case.start is Start.FRESH and outside

    async def _play_ven(
        self, stage: PlayedVenStage, utility: ScriptedUtility, driver: Driving
    ) -> None:
        if self.case.start is Start.FRESH:
            known = utility.state.account is not None
            if not driver.can("reset") and (known or not driver.can("start")):
                raise DriverMissingError(
                    "the driver has no reset, and the device may be registered"
                )
            utility.state.account = None
            opens = utility.open if self.opens_later() else None
            stage.before_start = lambda: afresh(driver, opens)
        else:
            await prepare_ven(stage, utility, driver, self.setting.values)
            self.tape.mark("case.prepared")
        if self.case.faults:
            utility.schedule(self.case.faults)
        await self.case.play(stage)

    async def _against_vtn(self) -> None:
        entry = self.entry("")
        driver = Driving(entry or self.setting.hands, self.tape)
        stage = PlayedVtnStage(self.scene(driver))
        try:
            await self.judged(lambda: self._play_vtn(stage, driver, entry))
        finally:
            await self.clean(stage.end)
            if entry is not None:
                await self.clean(lambda: self.end(entry))

    async def clean(self, act: Callable[[], Awaitable[object]]) -> None:
        """Clear up; what goes wrong is recorded and changes no verdict already reached.

        A case that is ended meanwhile ends this piece alone: ports and devices of it must not be left to the next one.
        """
        clearing = asyncio.create_task(cleaned(act), name=f"clear up {self.case.id}")
        try:
            await asyncio.wait({clearing})
        except asyncio.CancelledError:
            clearing.cancel()
            await asyncio.wait({clearing})
        what = "broken off" if clearing.cancelled() else clearing.result()
        if what:
            self.tape.mark(verdict.CLEANUP, what=what)

    async def _play_vtn(
        self, stage: PlayedVtnStage, driver: Driving, entry: EntryHands | None
    ) -> None:
        if driver.can("start"):
            await driver.start()
        told = self.setting.values.get("vtn_url", "")
        url = await stage.find(lambda: entry.url) if entry is not None else told
        network, names = self.network, self.names

        def make(name: str) -> ScriptedVen:
            first = not getattr(stage, "_vens", [])
            tls = network.client if first else self.setting.identities.another(name)
            identity = Identity(
                name=name,
                url=url,
                mode=self.setting.mode,
                tls=tls,
                resource=self.setting.values.get("resource_id", name),
            )
            return ScriptedVen(identity, network, names)

        await stage.begin(make, driver, self.setting.values.get("ven_name", "suite-ven"))
        if self.case.start is Start.REGISTERED:
            await prepare_vtn(stage)
            self.tape.mark("case.prepared")
        await self.case.play(stage)

    async def judged(self, act: Callable[[], Awaitable[None]]) -> None:
        """Play; why it could not be played as written becomes a mark."""
        try:
            missing = [n for n in self.case.needs if not self._can(n)]
            if missing:
                raise DriverMissingError(f"the driver has no method {missing[0]}")
            self._agreed()
            await act()
        except UnobservedError as error:
            self.tape.mark(verdict.UNOBSERVED, what=error)
        except PreconditionError as error:
            self.tape.mark(verdict.PRECONDITION, what=error)
        except DriverMissingError as error:
            self.tape.mark(verdict.DRIVER, what=error)

    def _agreed(self) -> None:
        """Refuse to judge signatures of a device outside this process that is not set to make any."""
        wanted = dict(self.case.facts).get(SIGNS) == "yes"
        if wanted and self.setting.factory is None and self.setting.values.get(SIGNS) != "yes":
            raise PreconditionError(
                f"the IXIT does not say {SIGNS}: yes, so the device signs nothing"
            )

    def _can(self, method: str) -> bool:
        return self.setting.factory is not None or self.setting.hands.can(method)

    def _settings(self) -> Settings:
        given = dict(self.case.facts)
        return Settings(
            poll=poll_of(self.case, self.setting.poll_s),
            mode=self.setting.mode,
            context=self.setting.values["market_context"],
            vtn_id=given.get("vtn_id", self.setting.values["vtn_id"]),
            vtn_metadata=given.get("vtn_metadata", "yes") == "yes",
            address=self.setting.values.get("transport_address", ""),
            signs="yes" in (given.get(SIGNS), self.setting.values.get(SIGNS)),
        )

    def entry(self, url: str, second_url: str = "") -> EntryHands | None:
        if self.setting.factory is None:
            return None
        place = Place(
            url=url,
            mode=self.setting.mode,
            clock=self.clock,
            chance=SeededChance(self.setting.seed, f"device {self.case.id}"),
            client_tls=self.setting.identities.device_client,
            server_tls=self.setting.identities.device_server,
            pem=self.setting.identities.device_pem,
            peer=self.setting.identities.suite_pem,
            values={**self.setting.values, **dict(self.case.facts), "second_url": second_url},
        )
        return EntryHands(self.setting.factory, place)

    async def end(self, entry: EntryHands) -> None:
        died = await entry.close()
        if died:
            self.tape.mark("suite.device", what=died)

    def scene(self, driver: Driving) -> Scene:
        return Scene(
            clock=self.clock,
            tape=self.tape,
            mode=self.setting.mode,
            driver=driver,
            values=self.setting.values,
            chance=SeededChance(self.setting.seed, f"script {self.case.id}"),
            tell=self.setting.tell,
        )


async def play(case: Case, setting: Setting, carried: Carried) -> Transcript:
    """Play a case and return what was recorded; whatever went wrong stands in the history as a mark."""
    playing = _Play(case, setting, carried)
    tape = playing.tape
    tape.mark(BEGIN, version=case.version, mode=setting.mode, seed=setting.seed)
    playing.task = asyncio.create_task(playing.whole(), name=f"case {case.id}")
    await _watched(playing.task, playing, setting.watch_every)
    if not playing.task.cancelled():
        error = playing.task.exception()
        if error is not None:
            tape.mark(verdict.DEFECT, what=_said(error))
    tape.mark(END)
    setting.archive.flush()
    return tape.transcript


async def _watched(task: "asyncio.Task[None]", playing: _Play, every: timedelta | None) -> None:
    """Wait for the end of a case; how late the suite was meanwhile becomes a mark."""
    if every is None:
        await asyncio.wait({task})
        return
    watch = Watch(playing.clock, every)
    watching = asyncio.create_task(watch.run(), name=f"watch {playing.case.id}")
    await asyncio.wait({task})
    watching.cancel()
    await asyncio.wait({watching})
    playing.tape.mark(verdict.DELAY, worst_s=watch.worst_s, looks=watch.looks)


def _said(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
