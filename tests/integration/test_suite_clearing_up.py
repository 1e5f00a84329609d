"""What goes wrong while a case is cleared up is recorded, changes no verdict and keeps no later case from play."""

import asyncio
import json
from pathlib import Path
from urllib.parse import urlsplit

from conformance.engine.bundled import BundledVen
from conformance.engine.conclude import rejudged, same_as_recorded
from conformance.engine.drivers.entry import Factory, Place
from conformance.engine.judging import Verdicts
from conformance.engine.run import Order, play_run, prepare
from conformance.engine.tape import FLOOD
from conformance.kit.verdict import Verdict

ONLY = ("OADR20B-VEN-EVT-020", "OADR20B-VEN-EVT-086")


class Rude(BundledVen):
    """Fails when it is to end."""

    async def run(self) -> None:
        """Live until cancelled, and break."""
        try:
            await super().run()
        except asyncio.CancelledError:
            raise RuntimeError("no farewell") from None


class Stubborn(BundledVen):
    """Does not end when it is told to."""

    async def run(self) -> None:
        """Live until cancelled twice."""
        try:
            await super().run()
        except asyncio.CancelledError:
            await asyncio.Event().wait()


def played(factory: Factory, folder: Path) -> tuple[Verdicts, dict[str, list[str]]]:
    """Play two cases and return the verdicts with what was marked while clearing up."""
    verdicts = play_run(prepare(Order(plan="oadr20b-ven-pull", only=ONLY), factory), folder)
    rows = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    marks: dict[str, list[str]] = {}
    for row in rows:
        if row["kind"] == "mark" and row["name"] in ("suite.cleanup", "suite.device"):
            marks.setdefault(row["case"], []).append(f"{row['name']}: {row['values']['what']}")
    return verdicts, marks


def both_passed(verdicts: Verdicts) -> bool:
    found = {c.case: c.verdict for c in verdicts.cases if c.verdict is not Verdict.SKIP}
    return found == dict.fromkeys(ONLY, Verdict.PASS)


def test_a_device_that_breaks_as_it_ends_is_recorded(tmp_path: Path) -> None:
    verdicts, marks = played(Rude, tmp_path / "run")

    assert both_passed(verdicts)
    assert marks == {case: ["suite.device: RuntimeError: no farewell"] for case in ONLY}
    assert same_as_recorded(tmp_path / "run", rejudged(tmp_path / "run"))


def test_a_device_that_does_not_end_holds_up_nobody(tmp_path: Path) -> None:
    verdicts, marks = played(Stubborn, tmp_path / "run")

    assert both_passed(verdicts)
    told = "suite.cleanup: TimeoutError: the device did not end within 3 s"
    assert marks == {case: [told] for case in ONLY}
    assert same_as_recorded(tmp_path / "run", rejudged(tmp_path / "run"))


def test_a_device_that_cannot_be_made_is_the_suites_error_and_the_next_case_goes_on(
    tmp_path: Path,
) -> None:
    made: list[Place] = []

    def first_fails(place: Place) -> BundledVen:
        made.append(place)
        if len(made) == 1:
            raise RuntimeError("no device today")
        return BundledVen(place)

    verdicts, _ = played(first_fails, tmp_path / "run")

    found = {c.case: (c.verdict, c.cause) for c in verdicts.cases if c.verdict is not Verdict.SKIP}
    assert sorted(word for word, _ in found.values()) == [Verdict.ERROR, Verdict.PASS]
    assert any("no device today" in cause for _, cause in found.values())


class Parting(BundledVen):
    """Talks without end once it is told to end."""

    async def run(self) -> None:
        """Live until cancelled, then flood the suite."""
        try:
            await super().run()
        except asyncio.CancelledError:
            await self._flood()

    async def _flood(self) -> None:
        place = self.given
        parts = urlsplit(place.url)
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port, ssl=place.client_tls
        )
        for _ in range(FLOOD):
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
        writer.close()

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.given = place


def test_a_case_that_is_ended_while_it_is_cleared_up_leaves_no_port_open(tmp_path: Path) -> None:
    verdicts, marks = played(Parting, tmp_path / "run")

    found = {c.case: c.verdict for c in verdicts.cases if c.verdict is not Verdict.SKIP}
    assert found == dict.fromkeys(ONLY, Verdict.FAIL), "what it said last was no message at all"
    assert marks == {case: ["suite.cleanup: broken off"] for case in ONLY}
