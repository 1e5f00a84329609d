"""Plays one case: peer up, device into its first state, script, everything down again; all of it into the history."""

import asyncio
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from conformance.engine.drivers.entry import EntryHands, Factory, Place
from conformance.engine.drivers.hands import Driving, Hands
from conformance.engine.errors import DriverMissingError, PreconditionError
from conformance.engine.identities import Identities
from conformance.engine.preparation import prepare_ven
from conformance.engine.stage import PlayedVenStage, Tell
from conformance.engine.tape import Archive, Tape
from conformance.kit import verdict
from conformance.kit.case import Case, Start
from conformance.kit.stage import UnobservedError
from conformance.kit.transcript import Transcript
from conformance.peers.script2b.door import Address
from conformance.peers.script2b.state import Account, Names, Settings
from conformance.peers.script2b.utility import Network, ScriptedUtility
from gateway.app.ids import SeededChance
from gateway.domain.ports import Clock

BEGIN: Final = "case.begin"
END: Final = "case.end"
_ANYWHERE: Final = Address()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all cases of a run share."""

    archive: Archive
    identities: Identities
    mode: str
    seed: int
    values: Mapping[str, str]
    """IXIT values."""
    clock: Callable[[Callable[[str], None]], Clock]
    """Makes a case's clock; told what to call when it is stuck."""
    factory: Factory | None
    """Makes the device, if it lives in this process."""
    hands: Hands
    """Otherwise, how it is reached."""
    address: Address = _ANYWHERE
    tell: Tell = lambda _, __: None


@dataclass
class Carried:
    """What a device that cannot be reset takes from case to case."""

    account: Account | None = None


@dataclass
class _Play:
    case: Case
    setting: Setting
    carried: Carried
    attempt: int
    clock: Clock = field(init=False)
    tape: Tape = field(init=False)
    task: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        self.clock = self.setting.clock(self.stuck)
        facts = dict(self.case.facts)
        facts["poll_s"] = f"{self.case.timing.poll.total_seconds():g}"
        transcript = Transcript(case=self.case.id, mode=self.setting.mode, facts=facts)
        self.tape = Tape(self.setting.archive, transcript, self.clock, flooded=self.flooded)

    def stuck(self, holders: str) -> None:
        """End a case whose clock does not move."""
        self.tape.mark(verdict.DEFECT, what=holders)
        if self.task is not None:
            self.task.cancel()

    def flooded(self) -> None:
        """End a case in which the device does not stop asking at one instant."""
        self.tape.mark(verdict.OVERLOAD, what="the device floods the suite")
        if self.task is not None:
            self.task.cancel()

    async def whole(self) -> None:
        """Play from peer up to peer down."""
        with self.clock.held():
            settings = self._settings()
            names = Names(self.setting.seed, self.case.id)
            network = Network(
                clock=self.clock,
                tape=self.tape,
                contexts=self.setting.identities.server,
                client=self.setting.identities.client,
                address=self.setting.address,
            )
            utility = ScriptedUtility(settings, network, names, self.carried.account)
            await utility.open()
            entry = self._entry(utility.url)
            hands = entry or self.setting.hands
            try:
                await self._played(utility, Driving(hands, self.tape))
            finally:
                if entry is not None:
                    died = await entry.close()
                    if died:
                        self.tape.mark("suite.device", what=died)
                if entry is None:
                    self.carried.account = utility.state.account
                await utility.close()

    def _settings(self) -> Settings:
        given = dict(self.case.facts)
        return Settings(
            poll=self.case.timing.poll,
            mode=self.setting.mode,
            context=self.setting.values["market_context"],
            vtn_id=given.get("vtn_id", "gridgate-suite"),
            vtn_metadata=given.get("vtn_metadata", "yes") == "yes",
            address=self.setting.values.get("transport_address", ""),
        )

    def _entry(self, url: str) -> EntryHands | None:
        if self.setting.factory is None:
            return None
        place = Place(
            url=url,
            mode=self.setting.mode,
            clock=self.clock,
            chance=SeededChance(self.setting.seed, f"device {self.case.id}"),
            client_tls=self.setting.identities.device_client,
            server_tls=self.setting.identities.device_server,
            values={**self.setting.values, **dict(self.case.facts)},
        )
        return EntryHands(self.setting.factory, place)

    async def _played(self, utility: ScriptedUtility, driver: Driving) -> None:
        stage = PlayedVenStage(
            clock=self.clock,
            tape=self.tape,
            mode=self.setting.mode,
            driver=driver,
            values=self.setting.values,
            chance=SeededChance(self.setting.seed, f"script {self.case.id}"),
            tell=self.setting.tell,
        )
        stage.utility = utility
        try:
            missing = [name for name in self.case.needs if not driver.can(name)]
            if missing:
                raise DriverMissingError(f"the driver has no method {missing[0]}")
            if self.case.start is Start.REGISTERED:
                await prepare_ven(stage, utility, driver, self.setting.values)
                self.tape.mark("case.prepared")
                await self.case.play(stage)
            else:
                await self._fresh(stage, utility, driver)
        except UnobservedError as error:
            self.tape.mark(verdict.UNOBSERVED, what=error)
        except PreconditionError as error:
            self.tape.mark(verdict.PRECONDITION, what=error)
        except DriverMissingError as error:
            self.tape.mark(verdict.DRIVER, what=error)

    async def _fresh(
        self, stage: PlayedVenStage, utility: ScriptedUtility, driver: Driving
    ) -> None:
        """Let the script say what it must before the device starts."""
        if not driver.can("start") and not driver.can("reset"):
            raise DriverMissingError("the driver has neither start nor reset")
        utility.state.account = None
        stage.before_start = driver.start if driver.can("start") else driver.reset
        if driver.can("start") and driver.can("reset"):
            await driver.reset()
        await self.case.play(stage)


async def play(case: Case, setting: Setting, carried: Carried, attempt: int = 1) -> Transcript:
    """Play a case and return what was recorded; whatever went wrong stands in the history as a mark."""
    playing = _Play(case, setting, carried, attempt)
    tape = playing.tape
    tape.mark(BEGIN, version=case.version, attempt=attempt, mode=setting.mode)
    playing.task = asyncio.create_task(playing.whole(), name=f"case {case.id}")
    await asyncio.wait({playing.task})
    if not playing.task.cancelled():
        error = playing.task.exception()
        if error is not None:
            tape.mark(verdict.DEFECT, what=_said(error))
    tape.mark(END)
    setting.archive.flush()
    return tape.transcript


def _said(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
