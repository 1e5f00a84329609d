"""Our 2030.5 server against py20305, a client that somebody else wrote: it is never refused anything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from certs.sep2.hierarchy import Sep2Leaf, sep2
from conformance.engine.drivers.entry import Pem
from conformance.foreign import py20305
from gateway.app.ids import SystemIds
from gateway.client.clock import SystemClock
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.terms import EventTerms
from gateway.protocols.sep2.tables import Edition, Flavour
from gateway.servers.sep2.utility import Place, Sep2Utility
from gateway.transport.sep2_tls import Sep2Profile, sep2_server
from tests.sep2_pki import files
from tests.sep2_server_world import CAP, KW, PIN, furnish, statuses

pytestmark = [
    pytest.mark.peer,
    pytest.mark.slow,
    pytest.mark.skipif(not py20305.is_installed(), reason="py20305 is not installed"),
]
SECOND = timedelta(seconds=1)
CLOCK = SystemClock()
PKI = sep2(4)
HALF = sep.DERControlBase(op_mod_fixed_w=-5000)
"""Draw half of the rated power."""
PLAIN = Flavour(edition=Edition.Y2018)
AUSTRALIAN = Flavour(edition=Edition.Y2018, csip_aus=True)


@asynccontextmanager
async def utility(folder: Path, flavour: Flavour, *, in_band: bool) -> AsyncIterator[Sep2Utility]:
    """Run a utility in real time, as the other program does."""
    profile = Sep2Profile.CSIP
    tls = sep2_server(files(folder, "server", PKI.server(), PKI), profile)
    options = ServerOptions(
        flavour=flavour, in_band=in_band, poll_rate=60, event_poll_rate=60, post_rate=2
    )
    made = Sep2Utility(
        options, Place(tls=tls, profile=profile), clock=CLOCK, ids=SystemIds(), transcript=1000
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def run(
    made: Sep2Utility, leaf: Sep2Leaf, given: Any, base: sep.DERControlBase, pin: int
) -> list[Any]:
    """Have a device meet one control from its announcement to its end; return what its site was told."""
    url = made.url.removesuffix("/dcap")
    pem = Pem(certificate=leaf.chain_pem, key=leaf.key_pem, ca=PKI.anchor_pem)
    async with py20305.device(url, leaf.lfdi, pem, pin=pin) as device:
        began = CLOCK.now()
        met = await device.order("connect")
        # On a busy machine everything takes longer, and the control is to be known before it starts.
        lead = 2 * SECOND + (CLOCK.now() - began)
        assert met == {"done": "connect", "known": bool(pin), "listed": True}
        await made.operate(lambda o, now: o.assign(given.fsa, [leaf.lfdi], now))
        terms = EventTerms(start=CLOCK.now() + lead, duration=2 * SECOND)
        name = await made.issue(lambda i, now: i.create_control(given.der, base, terms, now))
        assert (await device.order("poll"))["programs"] == 1
        await device.order("run")
        async with CLOCK.timeout(60):
            while statuses(made, name) != [1, 2, 3] or len(await made.readings()) < 8:
                await CLOCK.sleep_until(CLOCK.now() + SECOND / 10)
            told: list[Any] = []
            while len(told) < 2:  # begun, and ended
                told = (await device.order("tell"))["told"]
    assert {one.lfdi for one in made.responses(name)} == {leaf.lfdi}
    return told


def rejected(made: Sep2Utility) -> list[tuple[str, str, int]]:
    """Return what was refused."""
    exchanges = made.transcript.after(0, 1000)
    assert len(exchanges) > 20
    return [(one.method, one.target, one.status) for one in exchanges if one.status >= 400]


async def posted(made: Sep2Utility, lfdi: str) -> None:
    """Check what the device told of itself, and that it measured what it draws."""
    for kind in (sep.DERCapability, sep.DERSettings, sep.DERStatus, sep.LogEvent):
        assert made.told(kind, lfdi), kind.__name__
    watts = [one for one in await made.readings(lfdi) if one.uom == 38]
    assert {one.value for one in watts} == {KW * 1000}
    assert len({one.start for one in watts}) == len(watts) > 1


@pytest.mark.spec("CSIP CORE-003", "CSIP CORE-012", "CSIP-AUS S-ALL-01", "CSIP-AUS S-ALL-13")
async def test_a_device_of_an_empty_subject_runs_a_cap_of_csip_aus(tmp_path: Path) -> None:
    leaf = PKI.device("0001")
    async with utility(tmp_path, AUSTRALIAN, in_band=False) as made:
        given = await furnish(made, leaf.lfdi)
        told = await run(made, leaf, given, CAP, PIN)
        assert told == [
            ["import", {"imp_lim_mode_enable": 1, "imp_lim_w": 5_000_000}],
            ["import", {"imp_lim_mode_enable": 0}],
        ]
        await posted(made, leaf.lfdi)
        capability = made.told(sep.DERCapability, leaf.lfdi)[0].value
        assert isinstance(capability, sep.DERCapability)
        assert capability.doe_modes_supported is not None
        assert rejected(made) == []


@pytest.mark.spec("CSIP-AUS S-ALL-02", "CSIP BASIC-013", "CSIP-AUS S-ALL-06")
async def test_a_device_named_by_its_subject_registers_itself_and_runs_a_fixed_power(
    tmp_path: Path,
) -> None:
    leaf = PKI.aggregator("gridgate-test-device")
    async with utility(tmp_path, PLAIN, in_band=True) as made:
        given = await furnish(made)
        told = await run(made, leaf, given, HALF, 0)
        assert [(what, params.get("WSet")) for what, params in told] == [
            ("fixed", -50.0),
            ("fixed", None),
        ]
        await posted(made, leaf.lfdi)
        device = made.told(sep.EndDevice, leaf.lfdi)[0].value
        assert isinstance(device, sep.EndDevice)
        assert device.device_category == 0x4200
        assert rejected(made) == []
