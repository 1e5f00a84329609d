"""The doctor at a 2030.5 server: it reads what a gateway reads first, and changes nothing there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from certs.sep2.hierarchy import Sep2Leaf
from gateway.app.doctor.finding import Finding, Scribe, State
from gateway.app.doctor.talk_sep2 import TalkSep2
from gateway.protocols.sep2.client.options import DeviceOptions, Sep2Options
from gateway.protocols.sep2.identity import managed_lfdi
from gateway.protocols.sep2.server.devices import NewDevice
from gateway.servers.sep2.utility import Sep2Utility
from gateway.transport.client import PeerClient
from gateway.transport.sep2_tls import judge_chain, sep2_client
from tests.sep2_pki import files
from tests.sep2_server_world import PIN, Premises


class Visit:
    """A doctor, a server, and the device that the doctor speaks as."""

    def __init__(self, folder: Path) -> None:
        self.place = Premises(folder=folder)
        self.leaf: Sep2Leaf = self.place.pki.device("0001")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Sep2Utility]:
        async with self.place.utility() as utility:
            yield utility

    async def speak(self, utility: Sep2Utility, options: Sep2Options) -> list[Finding]:
        place = self.place
        identity = files(place.folder, "doctor", self.leaf, place.pki)
        client = PeerClient(
            utility.url,
            sep2_client(identity, place.profile),
            place.clock,
            test_mode=True,
            admit=lambda chain: judge_chain(chain, place.profile),
        )
        talk = TalkSep2(
            write=Scribe("apex"),
            clock=place.clock,
            client=client,
            root=utility.url,
            options=options,
            lfdi=self.leaf.lfdi,
        )
        with place.clock.held():
            return await talk.speak(None)


def states(found: list[Finding]) -> list[tuple[str, State]]:
    return [(one.check, one.state) for one in found]


@pytest.mark.spec("CSIP BASIC-001")
async def test_a_registered_device_is_found_with_its_pin_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    visit = Visit(tmp_path)
    async with visit.opened() as utility:
        lfdi = visit.leaf.lfdi
        await utility.operate(lambda o, now: o.register(NewDevice(lfdi=lfdi, pin=PIN), now))
        found = await visit.speak(utility, Sep2Options(pin=PIN))
        assert states(found) == [("clock", State.OK), ("register", State.OK)], found
        assert "handed over" in found[1].text
        unknown = await visit.speak(utility, Sep2Options())
        assert states(unknown)[1] == ("register", State.OK)
        methods = {one.method for one in utility.transcript.after(0, 100)}
        assert methods == {"GET"}


@pytest.mark.spec("CSIP-AUS ALL-03-REJ")
async def test_another_pin_a_missing_device_and_a_disabled_one_each_say_what_to_do(
    tmp_path: Path,
) -> None:
    visit = Visit(tmp_path)
    managed = managed_lfdi(b"x", 40732)
    options = Sep2Options(pin=PIN, device=(DeviceOptions(lfdi=managed, site="phx-1"),))
    async with visit.opened() as utility:
        (_, missing) = await visit.speak(utility, Sep2Options(pin=PIN))
        assert missing.state is State.FAIL
        assert missing.row is not None
        in_band = await visit.speak(utility, Sep2Options(pin=PIN, registration="in_band"))
        assert states(in_band)[-1][1] in {State.OK, State.FAIL}
        lfdi = visit.leaf.lfdi
        await utility.operate(lambda o, now: o.register(NewDevice(lfdi=lfdi, pin=123455), now))
        _, wrong, unlisted = await visit.speak(utility, options)
        assert wrong.state is State.FAIL
        assert "another PIN" in wrong.text
        assert str(123455) not in wrong.text
        assert "SFDI" in unlisted.fix
