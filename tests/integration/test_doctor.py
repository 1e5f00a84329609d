"""The doctor against real servers on loopback: each way to fail gives its own line, its code and its fix."""

import asyncio
import contextlib
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web

from certs.files import write
from certs.issue import Leaf, OpenAdrPki, openadr
from certs.profiles import Validity
from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.doctor.examine import Doctor
from gateway.app.doctor.finding import Finding, State, count
from gateway.app.doctor.handshake import shake
from gateway.app.ids import SystemIds
from gateway.cli.doctor import lines
from gateway.client.clock import SystemClock
from gateway.config.load import load
from gateway.protocols.oadr2b.messages import OadrDistributeEvent, OadrRequestEvent
from gateway.protocols.oadr2b.signature.keys import signing_key
from gateway.protocols.oadr2b.signature.sign import Sealer
from gateway.servers.vtn2b.security import Security, SecurityOptions
from gateway.transport.server import listen
from gateway.transport.tls import TlsFiles, TlsProfile, openadr_client, openadr_server
from tests.cli_world import CONFIG, filled
from tests.forked import ran
from tests.vtn_wire import CODEC, Pki, serving, timeline, visiting

NOW = SystemClock().now()
PATH = "/OpenADR2/Simple/2.0b"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Bench:
    """One installation, one utility's hierarchy, and servers to order."""

    folder: Path
    pki: OpenAdrPki = field(default_factory=lambda: openadr("ecc", NOW))

    def __post_init__(self) -> None:
        self.place(self.pki.ven("phx"), "ven")
        self.place(self.pki.vtn(), "vtn")
        (self.folder / "root.pem").write_bytes(self.pki.anchor_pem)
        self.configure("https://localhost:9" + PATH)

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    def place(self, leaf: Leaf, name: str) -> None:
        for old in (self.folder / f"{name}.pem", self.folder / f"{name}.key"):
            old.unlink(missing_ok=True)
        write(leaf, self.folder, name)

    def configure(self, url: str, more: str = "", **changes: str) -> None:
        text = CONFIG.replace("https://localhost:9/OpenADR2/Simple/2.0b", url)
        text = text.replace('ven_name = "phx"', f'ven_name = "phx"\n{more}')
        for old, new in changes.items():
            text = text.replace(old, new)
        self.config.write_text(text)

    def files(self, name: str = "vtn") -> TlsFiles:
        return TlsFiles(
            certificate=self.folder / f"{name}.pem",
            key=self.folder / f"{name}.key",
            ca=self.folder / "root.pem",
        )

    def server(self, profile: TlsProfile = TlsProfile.MODERN) -> ssl.SSLContext:
        return openadr_server(self.files(), profile)

    async def examine(self, **doctor: object) -> list[Finding]:
        return await Doctor(**doctor).examine(self.config)  # type: ignore[arg-type]  # by name


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def _never(_: web.Request) -> web.StreamResponse:
    raise AssertionError("nothing may be asked of this server")


@asynccontextmanager
async def web_server(
    context: ssl.SSLContext | None, handler: Handler = _never
) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    listener = await listen(app, "127.0.0.1", 0, context)
    try:
        yield f"https://localhost:{listener.port}{PATH}"
    finally:
        await listener.stop()


@asynccontextmanager
async def outspoken_server(context: ssl.SSLContext) -> AsyncIterator[str]:
    """Shake hands as servers outside Python do: a refusal is said before the connection is closed."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(came, goes, server_side=True)
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            try:
                while True:
                    with contextlib.suppress(ssl.SSLWantReadError):
                        tls.do_handshake()
                        tls.read(1)
                    writer.write(goes.read())
                    data = await reader.read(65536)
                    if not data:
                        break
                    came.write(data)
            finally:
                writer.write(goes.read())
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}{PATH}"
    finally:
        server.close()


def only_problem(findings: list[Finding]) -> Finding:
    problems = [finding for finding in findings if finding.state is State.FAIL]
    assert len(problems) == 1, "\n".join(lines(findings))
    (found,) = problems
    assert found.fix
    assert found.part == "azp"
    return found


def code(finding: Finding) -> str:
    assert finding.row is not None
    return finding.row.code


def named(findings: list[Finding], check: str) -> list[Finding]:
    return [finding for finding in findings if finding.part == "azp" and finding.check == check]


# --- a sound utility


async def test_a_sound_utility_passes_every_step(bench: Bench) -> None:
    pki = Pki(bench.folder, bench.pki, {"vtn": bench.files()})
    async with serving(pki) as utility:
        bench.configure(f"https://localhost:{utility.port}{PATH}")
        found = await bench.examine()

    assert count(found)[State.FAIL] == 0, "\n".join(lines(found))
    assert [f.check for f in found if f.part == "azp"] == [
        *("identity", "dns", "tcp", "tls", "chain", "chain", "server", "clock", "register"),
        "events",
    ]
    (identity,) = named(found, "identity")
    assert bench.pki.ven("phx").fingerprint.count(":") == 9
    assert str(identity.facts["fingerprint"]) in identity.text
    assert str(identity.facts["lfdi"]) in identity.text
    assert len(str(identity.facts["lfdi"])) == 40
    assert "TLSv1.3" in named(found, "tls")[0].text
    assert "this VEN is not registered yet" in named(found, "register")[0].text
    assert named(found, "events")[0].state is State.SKIP
    assert utility.vens == ()  # the doctor has registered nobody


async def test_an_event_that_the_doctor_saw_is_listed_for_a_gateway_that_starts(
    bench: Bench,
) -> None:
    await asyncio.to_thread(filled, bench.config)
    pki = Pki(bench.folder, bench.pki, {"vtn": bench.files(), "phx": bench.files("ven")})
    async with serving(pki) as utility, visiting(utility, pki.client("phx")) as ven:
        bench.configure(f"https://localhost:{utility.port}{PATH}")
        await ven.register()
        await utility.publish(_event())
        found = await bench.examine()
        asked = OadrRequestEvent(request_id="r2", ven_id=ven.ven_id)
        listed = await ven.say("EiEvent", asked)

    (events,) = named(found, "events")
    assert (events.state, events.facts["listed"]) == (State.OK, 1)
    assert isinstance(listed, OadrDistributeEvent)
    assert [e.ei_event.event_descriptor.event_id for e in listed.oadr_events] == ["ev-1"]
    assert utility.answers == ()


def _event() -> EventSpec:
    step = Step(lasts=timedelta(hours=1), value=Decimal(1))
    return EventSpec(
        event_id="ev-1",
        market_context="http://azp.example/fast-dr",
        start=NOW + timedelta(hours=3),
        signals=(SignalSpec(steps=(step,)),),
    )


async def test_a_running_gateway_alone_is_shown_events(bench: Bench) -> None:
    pki = Pki(bench.folder, bench.pki, {"vtn": bench.files(), "phx": bench.files("ven")})
    async with serving(pki) as utility, visiting(utility, pki.client("phx")) as ven:
        await ven.register()
        await utility.publish(_event())
        bench.configure(f"https://localhost:{utility.port}{PATH}")
        gateway = Gateway(load(bench.config), Wiring(clock=SystemClock()))
        await gateway.start()
        try:
            found = await bench.examine()
        finally:
            await gateway.stop()
        polled = await ven.poll()

    assert isinstance(polled, OadrDistributeEvent)  # it is still on its way to the gateway
    (events,) = named(found, "events")
    assert (events.state, "left to the gateway" in events.text) == (State.SKIP, True)
    process = next(f for f in found if f.check == "process")
    assert process.state is State.OK
    assert process.facts["pid"] == os.getpid()


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[Gateway]:
    gateway = Gateway(load(bench.config), Wiring(clock=SystemClock()))
    await gateway.start()
    task = asyncio.create_task(gateway.run())
    try:
        yield gateway
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await gateway.stop()


async def _polled(bench: Bench, state: State) -> Finding:
    """Examine until the running gateway's own exchanges have come to something."""
    clock = SystemClock()
    async with clock.timeout(20):
        while True:
            polls = named(await bench.examine(), "poll")
            if polls and polls[0].state is state:
                return polls[0]
            await clock.sleep_until(clock.now() + timedelta(milliseconds=200))


async def test_how_a_running_gateway_polls_is_read_from_it(bench: Bench) -> None:
    pki = Pki(bench.folder, bench.pki, {"vtn": bench.files()})
    async with serving(pki) as utility:
        bench.configure(f"https://localhost:{utility.port}{PATH}")
        async with running(bench):
            good = await _polled(bench, State.OK)
            await utility.stop()
            bad = await _polled(bench, State.FAIL)

    assert "the running gateway heard it " in good.text
    assert code(bad) in {"GG-2001", "GG-2003"}
    assert "failed in a row" in bad.text


# --- the way to the server


async def test_a_name_that_nobody_knows_is_told(bench: Bench) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    found = only_problem(await bench.examine(resolve=resolve))

    assert (found.check, code(found)) == ("dns", "GG-2011")
    assert found.text == "localhost: Name or service not known"


async def test_a_port_where_nothing_listens_is_told(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    bench.configure(f"https://localhost:{port}{PATH}")

    found = only_problem(await bench.examine())

    assert (found.check, code(found)) == ("tcp", "GG-2012")
    assert f"127.0.0.1:{port} refuses connections" in found.text


async def test_a_server_without_tls_is_told(bench: Bench) -> None:
    async with web_server(None) as url:
        bench.configure(url)
        found = only_problem(await bench.examine())

    assert (found.check, code(found)) == ("tls", "GG-2014")


@pytest.mark.slow
async def test_a_server_that_is_silent_is_given_up(bench: Bench) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # everything, to the end; never a word
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    bench.configure(f"https://localhost:{server.sockets[0].getsockname()[1]}{PATH}")
    found = only_problem(await bench.examine())
    server.close()

    assert (found.check, code(found)) == ("tls", "GG-2002")
    assert "silent for 5 s" in found.text


# --- certificates


async def test_another_authority_is_told_with_both_names(bench: Bench) -> None:
    (bench.folder / "root.pem").write_bytes(openadr("rsa", NOW).anchor_pem)
    async with web_server(_of(bench)) as url:
        bench.configure(url)
        found = only_problem(await bench.examine())

    assert (found.check, code(found)) == ("tls", "GG-2021")
    assert "set ca to the utility's root" in found.fix
    assert "(RSA)" in found.text
    assert "(ECC)" in found.text


def _of(bench: Bench, ca: Path | None = None) -> ssl.SSLContext:
    """Serve the utility's certificate whatever the operator's ``ca`` says."""
    anchor = ca or bench.folder / "true-root.pem"
    if ca is None:
        anchor.write_bytes(bench.pki.anchor_pem)
    certificate, key = bench.folder / "vtn.pem", bench.folder / "vtn.key"
    return openadr_server(TlsFiles(certificate=certificate, key=key, ca=anchor))


async def test_a_missing_intermediate_is_named(bench: Bench) -> None:
    whole = (bench.folder / "vtn.pem").read_text()
    end = "-----END CERTIFICATE-----\n"
    (bench.folder / "vtn.pem").write_text(whole.split(end)[0] + end)
    async with web_server(bench.server()) as url:
        bench.configure(url)
        found = only_problem(await bench.examine())

    assert (found.check, code(found)) == ("tls", "GG-2022")
    assert "gridgate TEST VTN authority (ECC)" in str(found.facts["missing"])
    assert str(found.facts["missing"]) in found.text


async def test_a_server_that_has_expired_is_told_with_its_date(bench: Bench) -> None:
    old = Validity(start=datetime(2024, 1, 1, tzinfo=UTC), end=datetime(2025, 2, 3, tzinfo=UTC))
    bench.place(bench.pki.vtn(validity=old), "vtn")
    async with web_server(bench.server()) as url:
        bench.configure(url)
        found = await bench.examine()

    problems = [f for f in found if f.state is State.FAIL]
    assert [code(f) for f in problems] == ["GG-2023", "GG-2023"]
    assert "ended on 2025-02-03" in problems[0].text


async def test_a_server_of_tomorrow_is_told(bench: Bench) -> None:
    later = Validity(
        start=NOW.replace(microsecond=0) + timedelta(days=1), end=datetime(2045, 1, 1, tzinfo=UTC)
    )
    bench.place(bench.pki.vtn(validity=later), "vtn")
    async with web_server(bench.server()) as url:
        bench.configure(url)
        found = await bench.examine()

    assert {code(f) for f in found if f.state is State.FAIL} == {"GG-2024"}


async def test_a_certificate_near_its_end_is_a_warning_and_no_problem(bench: Bench) -> None:
    soon = Validity(
        start=datetime(2024, 1, 1, tzinfo=UTC),
        end=NOW.replace(microsecond=0) + timedelta(days=20, hours=1),
    )
    bench.place(bench.pki.ven("phx", validity=soon), "ven")
    pki = Pki(bench.folder, bench.pki, {"vtn": bench.files()})
    async with serving(pki) as utility:
        bench.configure(f"https://localhost:{utility.port}{PATH}")
        found = await bench.examine()

    assert count(found)[State.FAIL] == 0
    (near,) = [f for f in named(found, "dates") if f.state is State.WARN]
    assert (code(near), near.facts["days_left"]) == ("GG-2032", 20)


async def test_another_host_name_is_told_with_the_names_of_the_certificate(bench: Bench) -> None:
    bench.place(bench.pki.vtn("vtn.azp.example"), "vtn")
    async with web_server(bench.server()) as url:
        bench.configure(url)
        found = only_problem(await bench.examine())

    assert (found.check, code(found)) == ("tls", "GG-2025")
    assert "the certificate is for vtn.azp.example, url says localhost" in found.text


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_that_refuses_our_certificate_is_told(
    bench: Bench, version: ssl.TLSVersion
) -> None:
    other = bench.folder / "other.pem"
    other.write_bytes(openadr("ecc", NOW).anchor_pem)
    context = _of(bench, other)
    context.minimum_version = context.maximum_version = version
    async with outspoken_server(context) as url:
        bench.configure(url)
        found = await bench.examine()

    problem = only_problem(found)
    assert (problem.check, code(problem)) == ("tls", "GG-2041")
    assert "it does not know the authority" in problem.text
    assert "hand over" in named(found, "identity")[0].text.lower()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_our_own_expired_certificate_is_told_before_the_server_refuses_it(
    bench: Bench, version: ssl.TLSVersion
) -> None:
    old = Validity(start=datetime(2024, 1, 1, tzinfo=UTC), end=datetime(2025, 2, 3, tzinfo=UTC))
    bench.place(bench.pki.ven("phx", validity=old), "ven")
    context = bench.server()
    context.minimum_version = context.maximum_version = version
    async with outspoken_server(context) as url:
        bench.configure(url)
        found = await bench.examine()

    problems = [f for f in found if f.state is State.FAIL]
    assert [code(f) for f in problems] == ["GG-2031", "GG-2041"]
    assert "it finds it expired" in problems[1].text


async def test_no_common_suite_is_told_with_what_the_server_would_take(bench: Bench) -> None:
    context = bench.server()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES256-SHA384")
    async with web_server(context) as url:
        bench.configure(url, 'tls_profile = "certification"')
        found = only_problem(await bench.examine())

    assert (found.check, code(found)) == ("tls", "GG-2015")
    assert "'certification'" in found.text
    assert "TLSv1.2 ECDHE-ECDSA-AES256-SHA384" in found.text


async def test_another_server_than_the_pinned_one_is_told(bench: Bench) -> None:
    async with web_server(bench.server()) as url:
        bench.configure(url, 'server_fingerprint = "59:4D:D8:CD:35:8E:E7:F7:86:94"')
        found = only_problem(await bench.examine())

    assert (found.check, code(found)) == ("server", "GG-2026")
    assert "pinned is 59:4D:D8:CD:35:8E:E7:F7:86:94" in found.text


async def test_test_certificates_outside_test_mode_are_told_for_each_file(bench: Bench) -> None:
    async with web_server(bench.server()) as url:
        bench.configure(url, **{"test_mode = true": "test_mode = false"})
        found = await bench.examine()

    problems = [(f.check, code(f)) for f in found if f.state is State.FAIL]
    assert problems == [("config", "GG-2027"), ("config", "GG-2027"), ("server", "GG-2027")]


# --- what the server answers


def _answering(status: int, body: str = "", **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type="text/html", headers=headers)

    return answer


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (_answering(404), "GG-2051"),
        (_answering(302, Location="https://elsewhere.example/"), "GG-2052"),
        (_answering(200, "<!DOCTYPE html><html>Welcome</html>"), "GG-2053"),
        (_answering(200, ""), "GG-2053"),
        (_answering(503), "GG-2054"),
        (_answering(403), "GG-2041"),
        (_answering(418), "GG-2006"),
    ],
    ids=["404", "302", "html", "empty", "503", "403", "418"],
)
async def test_every_wrong_answer_has_its_own_code(
    bench: Bench, handler: Handler, expected: str
) -> None:
    async with web_server(bench.server(), handler) as url:
        bench.configure(url)
        found = only_problem(await bench.examine())

    assert (found.check, code(found)) == ("register", expected)


@pytest.mark.parametrize("minutes", [47, -47])
async def test_a_server_47_minutes_off_is_told(bench: Bench, minutes: int) -> None:
    pki = Pki(bench.folder, bench.pki, {"vtn": bench.files()})
    clock = timeline(SystemClock().now() + timedelta(minutes=minutes))
    async with serving(pki, clock=clock) as utility:
        bench.configure(f"https://localhost:{utility.port}{PATH}")
        found = only_problem(await bench.examine())

    assert (found.check, code(found)) == ("clock", "GG-2061")
    assert f"47 min {'ahead of' if minutes > 0 else 'behind'} ours" in found.text


async def test_a_server_a_minute_off_is_a_warning(bench: Bench) -> None:
    pki = Pki(bench.folder, bench.pki, {"vtn": bench.files()})
    clock = timeline(SystemClock().now() + timedelta(seconds=60))
    async with serving(pki, clock=clock) as utility:
        bench.configure(f"https://localhost:{utility.port}{PATH}")
        found = await bench.examine()

    assert count(found)[State.FAIL] == 0
    assert [code(f) for f in named(found, "clock")] == ["GG-2061"]


# --- the machine, the file, the output


async def test_a_faulty_file_is_told_with_every_fault_and_nothing_else_is_tried(
    bench: Bench,
) -> None:
    bench.configure(
        "https://localhost:9", **{"max_kw = 200": 'max_kw = "x"', "port = 0": "prot = 1"}
    )
    found = await bench.examine()

    assert {f.check for f in found} == {"config"}
    assert {code(f) for f in found} == {"GG-1002", "GG-1004"}


async def test_a_key_that_others_can_read_and_a_port_in_use_are_told(bench: Bench) -> None:
    keys = bench.folder / "data" / "keys"
    keys.mkdir(parents=True)
    (keys / "installation.key").write_bytes(bytes(32))
    (keys / "installation.key").chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        bench.configure("https://localhost:9" + PATH, **{"port = 0": f"port = {port}"})
        found = await bench.examine()

    told = {code(f): f for f in found if f.state is State.FAIL and f.part == "gateway"}
    assert set(told) == {"GG-1013", "GG-1014"}
    assert told["GG-1013"].fix == f"run: chmod 600 {keys / 'installation.key'}"
    assert str(port) in told["GG-1014"].text


async def test_the_doctor_makes_no_folder_and_no_store(bench: Bench) -> None:
    before = sorted(bench.folder.rglob("*"))

    await bench.examine()

    assert sorted(bench.folder.rglob("*")) == before


async def test_lines_fit_the_terminal_and_end_with_a_count(bench: Bench) -> None:
    told = [*lines(await bench.examine())]

    assert max(len(line) for line in told if str(bench.folder) not in line) <= 80
    assert "1 problem" in told[-1]


def test_the_command_prints_one_document_and_returns_1_for_a_problem(bench: Bench) -> None:
    said = ran("gateway", "doctor", "-c", str(bench.config), "--json")

    assert said.returncode == 1, said.stderr
    document = json.loads(said.stdout)
    assert document["counts"]["fail"] == 1
    (problem,) = [check for check in document["checks"] if check["state"] == "fail"]
    assert (problem["code"], problem["part"], problem["move"]) == ("GG-2012", "azp", "operator")
    assert said.stderr == ""


async def test_the_chain_that_a_server_shows_can_be_read_on_this_python(bench: Bench) -> None:
    async with web_server(bench.server()) as url:
        port = int(url.split(":")[2].partition("/")[0])
        shaken = await shake(
            ("127.0.0.1", port), openadr_client(bench.files("ven")), "localhost", SystemClock(), 5.0
        )

    assert shaken.good
    sent = (bench.folder / "vtn.pem").read_text().split("-----END CERTIFICATE-----")
    ders = [
        ssl.PEM_cert_to_DER_cert(f"{one.strip()}\n-----END CERTIFICATE-----") for one in sent[:-1]
    ]
    assert list(shaken.chain) == ders
    assert len(ders) == 2


async def test_signing_material_is_told_and_an_unsigned_answer_is_a_problem(bench: Bench) -> None:
    pki = Pki(bench.folder, bench.pki, {"vtn": bench.files()})
    async with serving(pki) as utility:
        bench.configure(f"https://localhost:{utility.port}{PATH}", "xml_signature = true")
        found = await bench.examine()

    (signing,) = named(found, "signing")
    assert signing.state is State.OK
    assert "ECDSA with SHA-256" in signing.text
    (register,) = named(found, "register")
    assert register.row is not None
    assert register.row.reason == "SIGNATURE_MISSING"


async def test_a_utility_that_signs_its_answers_passes_every_step(bench: Bench) -> None:
    pki = Pki(bench.folder, bench.pki, {"vtn": bench.files()})
    files = bench.files()
    key = signing_key(files.certificate.read_bytes(), files.key.read_bytes())
    options = SecurityOptions(seal=Sealer(key, SystemIds()), wanted="always")
    security = Security(options, CODEC, SystemClock())
    async with serving(pki, security=security) as utility:
        bench.configure(f"https://localhost:{utility.port}{PATH}", "xml_signature = true")
        found = await bench.examine()

    assert count(found)[State.FAIL] == 0, "\n".join(lines(found))
    assert named(found, "register")[0].state is State.OK


async def test_a_key_that_may_not_sign_is_told_before_the_gateway_starts(bench: Bench) -> None:
    bench.configure("https://localhost:9" + PATH, "xml_signature = true")
    (bench.folder / "ven.key").write_bytes(bench.pki.ven("other").key_pem)
    found = await bench.examine()

    wrong = [f for f in found if f.state is State.FAIL and f.row is not None]
    assert "SIGNING_KEY" in {f.row.reason for f in wrong if f.row} or "UNUSABLE_FILE" in {
        f.row.reason for f in wrong if f.row
    }
