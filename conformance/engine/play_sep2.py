"""Plays one case against a 2030.5 client: the suite's server up, client in service, script, everything down again."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Protocol

from conformance.engine.drivers.entry import EntryHands
from conformance.engine.drivers.hands import Driving
from conformance.engine.errors import DriverMissingError, PreconditionError
from conformance.engine.facts import poll_of
from conformance.engine.preparation import afresh, prepare_client
from conformance.engine.setting import Setting
from conformance.engine.stage import PlayedStage, Scene
from conformance.engine.tape import Tape
from conformance.kit.case import Case, Start
from conformance.kit.sep2.notices import SUBSCRIBABLE
from conformance.kit.sep2.utility import Server
from conformance.kit.sep2.values import Account, Assignment, Program, limit
from conformance.peers.scriptsep2.notifying import Outward
from conformance.peers.scriptsep2.server import ScriptedServer, Settings
from conformance.peers.scriptsep2.tree import USUAL, MridNames, Rates
from gateway.domain.ports import Clock

PROGRAM = "program"
"""Id of the one program that is there from the beginning."""
ASSIGNMENT = "assignment"
DEFAULT = 80.0
"""Percent of setMaxW to which its default caps generation."""
MANAGED = 2
"""Devices of an aggregator in a run with a test PKI."""


class Ground(Protocol):
    """The part of a play that does not depend on the protocol."""

    case: Case
    setting: Setting
    clock: Clock
    tape: Tape

    async def judged(self, act: Callable[[], Awaitable[None]]) -> None:
        """Play; why it could not be played as written becomes a mark."""
        ...

    async def clean(self, act: Callable[[], Awaitable[object]]) -> None:
        """Clear up."""
        ...

    def entry(self, url: str) -> EntryHands | None:
        """Return the device in this process."""
        ...

    async def end(self, entry: EntryHands) -> None:
        """End it."""
        ...

    def scene(self, driver: Driving) -> Scene:
        """Return what a stage is made of."""
        ...


class PlayedClientStage(PlayedStage):
    """Where a 2030.5 client is judged."""

    utility: Server


async def play_client(play: Ground) -> None:
    """Play a case from server up to server down."""
    await play.judged(lambda: _against(play))


async def _against(play: Ground) -> None:
    worn = getattr(play.setting.identities.server, "wear", None)
    if worn is not None:
        worn("honest")
    server = ScriptedServer(
        _settings(play),
        play.tape,
        play.clock,
        play.setting.identities.server,
        play.setting.address,
        MridNames(play.setting.seed, play.case.id),
        Outward(client=play.setting.identities.client, masks=play.setting.identities.masks),
    )
    _furnish(server, dict(play.case.facts))
    await server.open()
    entry = play.entry(server.url)
    driver = Driving(entry or play.setting.hands, play.tape)
    stage = PlayedClientStage(play.scene(driver))
    stage.utility = server
    play.tape.mark("suite.entry", path=server.href("DeviceCapability"), lfdi=server.lfdi)
    try:
        await _script(play, stage, server, driver)
    finally:
        if entry is not None:
            await play.clean(lambda: play.end(entry))
        await play.clean(server.close)


async def _script(
    play: Ground, stage: PlayedClientStage, server: ScriptedServer, driver: Driving
) -> None:
    if play.case.start is Start.FRESH:
        if not driver.can("start"):
            raise DriverMissingError("the driver has no start, and the case begins before it")
        stage.before_start = lambda: afresh(driver, None)
    else:
        await prepare_client(stage, server, driver, play.setting.values)
        play.tape.mark("case.prepared")
    if play.case.faults:
        server.schedule(play.case.faults)
    await play.case.play(stage)


def _settings(play: Ground) -> Settings:
    values, facts, mode = play.setting.values, dict(play.case.facts), play.setting.mode
    lfdi = values.get("lfdi", "") or play.setting.identities.device_lfdi
    if not lfdi:
        raise PreconditionError("the IXIT does not say the client's lfdi")
    managed = tuple(values.get("managed_lfdis", "").split()) or _managed(lfdi)
    return Settings(
        rates=Rates(
            poll=round(poll_of(play.case, play.setting.poll_s).total_seconds()),
            walk=int(facts.get("walk_s", "300")),
            post=int(facts.get("post_s", "300")),
        ),
        lfdi=lfdi.upper(),
        devices=managed if mode == "aggregator" else (),
        aus=mode == "csipaus",
        subscribable=_subscribable(facts.get("subscribable", "no")),
        mode=values.get("control_mode", USUAL),
        page=int(facts.get("page", "255")),
        strangers=int(facts.get("strangers", "2")),
    )


def _subscribable(fact: str) -> frozenset[str]:
    """Return what may be subscribed to: all that can be (``yes``), nothing, or what is named."""
    return frozenset({"yes": SUBSCRIBABLE, "no": ()}.get(fact, tuple(fact.split())))


def _managed(lfdi: str) -> tuple[str, ...]:
    """Return LFDIs of devices that have no certificate: made by the aggregator, its PEN at the end."""
    return tuple(f"{(int(lfdi[:32], 16) + n + 1) % 16**32:032X}00040732" for n in range(MANAGED))


def _furnish(server: ScriptedServer, facts: Mapping[str, str]) -> None:
    """Put the usual things into a server: the devices, one assignment, one program with a default."""
    post = int(facts.get("post_s", "300"))
    server.set_time(offset=timedelta(seconds=int(facts.get("time_s", "0"))))
    own = server.lfdi
    if server.devices == (own,):
        strange = (
            f"{(int(own, 16) + n + 1) % 16**40:040X}"
            for n in range(int(facts.get("strangers", "2")))
        )
        for lfdi in strange:
            server.put_account(Account(lfdi=lfdi, pin=222226, post_s=post))
    for lfdi in dict.fromkeys((*server.devices, own)):
        if facts.get("registered", "yes") == "yes":
            server.put_account(Account(lfdi=lfdi, post_s=post))
    server.put_program(Program(id=PROGRAM, primacy=10, default=limit(DEFAULT)))
    if facts.get("registered", "yes") == "yes":
        server.put_assignment(Assignment(id=ASSIGNMENT, programs=(PROGRAM,)))
