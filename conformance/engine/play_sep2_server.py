"""Plays one case against a 2030.5 server: server up, clients made, the first one registered, script, all down again."""

import hashlib
from dataclasses import replace

from conformance.engine.drivers.entry import EntryHands
from conformance.engine.drivers.hands import Driving
from conformance.engine.errors import PreconditionError
from conformance.engine.play_sep2 import Ground
from conformance.engine.sep2_operator import PlayedOperator
from conformance.engine.sep2_server_stage import PlayedServerStage
from conformance.engine.wallets import Plain, Wallet
from conformance.kit.case import Start
from conformance.peers.scriptsep2.client import Person, ScriptedClient
from conformance.peers.scriptsep2.listener import ScriptedListener

_POST_S = "60"


async def play_server(play: Ground) -> None:
    """Play a case from server up to server down."""
    entry = play.entry("")
    driver = Driving(entry or play.setting.hands, play.tape)
    stage = PlayedServerStage(play.scene(driver))
    operator = PlayedOperator(driver)
    try:
        await play.judged(lambda: _script(play, stage, operator, driver, entry))
    finally:
        await play.clean(stage.end)
        if entry is None:
            await play.clean(operator.clear)
        else:
            await play.clean(lambda: play.end(entry))


async def _script(
    play: Ground,
    stage: PlayedServerStage,
    operator: PlayedOperator,
    driver: Driving,
    entry: EntryHands | None,
) -> None:
    if driver.can("start"):
        await driver.start()
    told = play.setting.values.get("server_url", "")
    url = await stage.find(lambda: entry.url) if entry is not None else told
    if not url:
        raise PreconditionError("the IXIT does not say the server's server_url")
    wallet: Wallet = play.setting.identities.wallet or Plain()
    wallet.fresh()

    def make(name: str) -> ScriptedClient:
        person = Person(
            name=name,
            wear=lambda face: wallet.worn(name, face),
            listener=lambda: _listener(play, wallet, name),
        )
        return ScriptedClient(person, url, play.tape, play.clock)

    facts = dict(play.case.facts)
    await stage.begin(url, make, operator, int(facts.get("post_s", _POST_S)))
    play.tape.mark("suite.entry", path=await stage.client.href("DeviceCapability"), url=url)
    if play.case.start is Start.REGISTERED:
        await stage.furnish()
        await stage.client.walk()
        play.tape.mark("case.prepared")
    await play.case.play(stage)


def _listener(play: Ground, wallet: Wallet, name: str) -> ScriptedListener:
    """Make where a client takes notifications: the first one's at the laboratory's port, others at any."""
    word = hashlib.sha256(f"{play.setting.seed} {play.case.id} {name}".encode()).hexdigest()[:16]
    address = replace(play.setting.address, port=0)
    return ScriptedListener(word, play.tape, play.clock, wallet.listening(name), address)
