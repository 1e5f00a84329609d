"""The doctor about push mode: what to hand over, and whether the listener answers as that says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from certs.files import write
from certs.issue import openadr
from certs.profiles import Validity
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.doctor.examine import Doctor
from gateway.app.doctor.finding import Finding, State
from gateway.client.clock import SystemClock
from gateway.config.load import load
from gateway.transport.tls import TlsFiles
from tests.cli_world import CONFIG
from tests.ports import free_port
from tests.push_world import print_of

NOW = SystemClock().now()
PUSH = 'mode = "push"\npush_url = "https://gateway.example:8444/azp"\npush_address = "service"\n'


class Bench:
    """One installation whose utility pushes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pki = openadr("ecc", NOW)
        (folder / "root.pem").write_bytes(self.pki.anchor_pem)
        self.place()
        self.configure(free_port())

    def place(self, validity: Validity | None = None) -> None:
        for old in (self.folder / "ven.pem", self.folder / "ven.key"):
            old.unlink(missing_ok=True)
        more = {} if validity is None else {"validity": validity}
        write(self.pki.ven("phx", **more), self.folder, "ven")

    def configure(self, port: int) -> None:
        text = CONFIG.replace('ven_name = "phx"', 'ven_name = "phx"\n' + PUSH)
        config = self.folder / "gateway.toml"
        config.write_text(f"[push]\nport = {port}\n\n" + text, encoding="utf-8")

    @property
    def fingerprint(self) -> str:
        files = TlsFiles(
            certificate=self.folder / "ven.pem",
            key=self.folder / "ven.key",
            ca=self.folder / "root.pem",
        )
        return print_of(files)

    async def examine(self) -> list[Finding]:
        found = await Doctor().examine(self.folder / "gateway.toml")
        return [finding for finding in found if finding.check.startswith("push")]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        gateway = Gateway(load(self.folder / "gateway.toml"), Wiring(clock=SystemClock()))
        await gateway.start()
        try:
            yield
        finally:
            await gateway.stop()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def seen(found: list[Finding]) -> list[tuple[str, State, str]]:
    return [(one.check, one.state, one.row.reason if one.row else "") for one in found]


async def test_it_says_what_to_hand_over_before_the_gateway_runs(bench: Bench) -> None:
    handed, listener = await bench.examine()

    assert "https://gateway.example:8444/azp/OpenADR2/Simple/2.0b" in handed.text
    assert bench.fingerprint in handed.text
    assert (handed.state, listener.state) == (State.OK, State.SKIP)


async def test_a_listener_that_answers_with_its_certificate_is_in_order(bench: Bench) -> None:
    async with bench.running():
        found = await bench.examine()

    assert [(check, state) for check, state, _ in seen(found)] == [
        ("push", State.OK),
        ("push listener", State.OK),
    ]


async def test_a_listener_that_is_not_there_is_a_problem(bench: Bench) -> None:
    async with bench.running():
        bench.configure(free_port())
        found = await bench.examine()

    assert seen(found)[-1] == ("push listener", State.FAIL, "PUSH_CLOSED")


async def test_a_replaced_certificate_that_the_listener_cannot_take_is_a_problem(
    bench: Bench,
) -> None:
    async with bench.running():
        bench.place(Validity(start=NOW - timedelta(days=300), end=NOW - timedelta(days=1)))
        found = await bench.examine()

    assert ("push", State.FAIL, "OUR_EXPIRY") in seen(found)
    assert seen(found)[-1] == ("push listener", State.FAIL, "PUSH_STALE")


async def test_a_certificate_that_ends_soon_is_told(bench: Bench) -> None:
    bench.place(Validity(start=NOW - timedelta(days=300), end=NOW + timedelta(days=20)))

    assert ("push", State.WARN, "OUR_EXPIRY_NEAR") in seen(await bench.examine())


async def test_a_utility_that_is_polled_has_no_such_line(bench: Bench) -> None:
    config = bench.folder / "gateway.toml"
    config.write_text(config.read_text().replace('mode = "push"', 'mode = "pull"'))

    assert await bench.examine() == []
