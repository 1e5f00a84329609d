"""A foreign VEN against our VTN, over mutual TLS, in real time and in a process of its own."""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from conformance.peers.vtn2b import UtilityPeer
from gateway.app.ids import SystemIds
from gateway.client.clock import SystemClock
from gateway.protocols.oadr2b.identity import fingerprint
from gateway.protocols.oadr2b.messages import OptType
from gateway.protocols.oadr2b.signature.keys import signing_key
from gateway.protocols.oadr2b.signature.sign import Sealer
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.protocols.oadr2b.vtn_facts import (
    Answered,
    Fact,
    Offered,
    Refused,
    Registered,
    ReportAnswered,
    Reported,
    Unregistered,
)
from gateway.protocols.oadr2b.vtn_requests import RequestState
from gateway.servers.vtn2b.security import Security, SecurityOptions
from tests.vtn_story import HOUR, dispatch, event, simple, wish
from tests.vtn_wire import CODEC, Pki, serving

F = TypeVar("F", bound=Fact)
SCRIPT = Path(__file__).parent / "foreign" / "openleadr_ven.py"
END = "-----END CERTIFICATE-----\n"
SECOND = timedelta(seconds=1)
PATIENCE = 30 * SECOND


@asynccontextmanager
async def foreign_ven(
    utility: UtilityPeer, pki: Pki, *more: str
) -> AsyncIterator[list[dict[str, object]]]:
    """Run the VEN; what it printed is in the list afterwards."""
    files = pki.files("v1")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        utility.url.replace("127.0.0.1", "localhost"),
        str(files.certificate),
        str(files.key),
        str(files.ca),
        *more,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told: list[dict[str, object]] = []
    try:
        yield told
    finally:
        if process.returncode is None:
            process.terminate()
        out, err = await process.communicate()
        sys.stdout.write(err.decode()[-4000:])
        told += [json.loads(line) for line in out.decode().splitlines()]


async def soon(utility: UtilityPeer, kind: type[F], match: Callable[[F], bool] | None = None) -> F:
    """Wait for a fact in real time."""
    found = await utility.wait_for(kind, match, until=SystemClock().now() + PATIENCE)
    assert found is not None, f"no {kind.__name__}"
    return found.fact


def fingerprint_of(chain: Path) -> str:
    leaf = chain.read_text().split(END)[0] + END
    return fingerprint(ssl.PEM_cert_to_DER_cert(leaf))


@pytest.mark.peer
@pytest.mark.slow
async def test_openleadr_registers_opts_in_and_reports(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    clock = SystemClock()
    # It takes a vtnID without any capital letter for a breach of the standard.
    options = VtnOptions(vtn_id="GRIDGATE-TEST", poll_every=SECOND)
    async with serving(pki, clock=clock, options=options) as utility:
        await utility.request_report(wish(granularity=SECOND, report_back=SECOND))
        async with foreign_ven(utility, pki) as told:
            registered = await soon(utility, Registered)
            assert registered.fingerprint == fingerprint_of(pki.files("v1").certificate)
            offered = await soon(utility, Offered)
            assert [report.report_specifier_id for report in offered.reports] == ["usage"]

            start = clock.now() + HOUR
            signals = (simple((HOUR, "2")), dispatch((HOUR, "500")))
            await utility.publish(event(start=start, signals=signals))
            answered = await soon(utility, Answered)
            assert (answered.event_id, answered.opt) == ("e1", OptType.OPT_IN)
            assert (answered.code, answered.accepted) == ("200", "200")
            reported = await soon(utility, Reported)
            assert (reported.r_id, reported.value) == ("power", Decimal("412.5"))

            await utility.modify(event(start=start, signals=signals, priority=1))
            assert (await soon(utility, Answered, lambda a: a.version == 1)).accepted == "200"
            await utility.cancel("e1")
            assert (await soon(utility, Answered, lambda a: a.version == 2)).accepted == "200"

            await utility.cancel_report("w1")
            await soon(utility, ReportAnswered, lambda fact: fact.state is RequestState.CANCELLED)
            await utility.cancel_registration(registered.ven_id)
            assert (await soon(utility, Unregistered)).by == "vtn"
    seen = [
        (line["version"], line["status"], line["signals"]) for line in told if "version" in line
    ]
    asked = [["SIMPLE", [2.0]], ["LOAD_DISPATCH", [500.0]]]
    assert seen == [(0, "far", asked), (1, "far", asked), (2, "cancelled", asked)]


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.spec("OpenADR 2.0b section 10.6")
async def test_openleadr_does_so_with_everything_signed(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    clock = SystemClock()
    options = VtnOptions(vtn_id="GRIDGATE-TEST", poll_every=SECOND)
    files = pki.files("vtn")
    key = signing_key(files.certificate.read_bytes(), files.key.read_bytes())
    chosen = SecurityOptions(seal=Sealer(key, SystemIds()), wanted="always")
    security = Security(chosen, CODEC, clock)
    async with serving(pki, clock=clock, options=options, security=security) as utility:
        async with foreign_ven(utility, pki, key.peer.fingerprint) as told:
            await soon(utility, Registered)
            await soon(utility, Offered)
            signals = (simple((HOUR, "2")),)
            await utility.publish(event(start=clock.now() + HOUR, signals=signals))
            answered = await soon(utility, Answered)
            await utility.cancel("e1")
            assert (await soon(utility, Answered, lambda a: a.version == 1)).accepted == "200"

        assert (answered.event_id, answered.opt) == ("e1", OptType.OPT_IN)
        assert utility.told(Refused) == ()
    assert [line["version"] for line in told if "version" in line] == [0, 1]
