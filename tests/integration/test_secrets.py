"""Planted secrets are looked for in everything that anybody may read: none of them may be there."""

import asyncio
import base64
import io
import json
import logging
import sys
import tarfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, redirect_stderr
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest
import structlog
import typer

from certs.files import write
from certs.issue import openadr
from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from conformance.peers.vtn2b import UtilityPeer
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.redaction import known_secrets, leaked, redacted, redacted_tree, secret_files
from gateway.cli.main import app
from gateway.client.clock import SystemClock
from gateway.client.site import Site, SiteOptions
from gateway.config.load import Loaded, load
from gateway.domain.answers import Sample
from gateway.domain.errors import ConfigError, GatewayError
from gateway.observability.logs import set_up
from gateway.protocols.oadr2b.messages import SignalType
from gateway.southbound.tokens import create_token, token_digest
from tests.cli_world import CONFIG
from tests.fakes import CountedIds
from tests.forked import ran
from tests.vtn_wire import Pki, serving

MARK = b"PLANTED-installation-key-0123456"
"""32 bytes that are an installation key, and would be seen in any text."""
LOG_MARK = b"PLANTED-evidence-log-key-0123456"
HOOK_MARK = b"PLANTED-secret-of-a-webhook-0123"
URL_MARK = "PLANTED-in-an-url-0123456789"
WEBHOOK = f"""
[[site.webhook]]
name = "own"
url = "https://localhost:9/hook?key={URL_MARK}"
allow = ["127.0.0.0/8", "::1/128"]
secret_file = "webhook.secret"
"""
WRONG = "PLANTED-token-that-nobody-made-0123456789"
PASSWORD = "PLANTED-password"
MINUTE = timedelta(minutes=1)
STARTED = {"doctor", "support-bundle"}
"""Commands that start from nothing, so that their arguments can be seen from outside."""


@dataclass
class Outputs:
    """Everything that was said, by who said it; and what must not be in it."""

    said: dict[str, bytes] = field(default_factory=dict)
    secrets: frozenset[bytes] = frozenset()
    token: str = ""

    def note(self, name: str, *texts: object) -> None:
        parts = [text if isinstance(text, bytes) else str(text).encode() for text in texts]
        self.said[name] = self.said.get(name, b"") + b"\n".join(parts) + b"\n"


class Ids(CountedIds):
    """Counted ids, but real secrets: what is looked for must not be guessable."""

    def token(self) -> str:
        return "PLANTED_" + super().token() + "_token_of_a_site_0123456789abcdef"


def install(folder: Path, port: int) -> Path:
    """Write an installation whose every secret is marked or remembered."""
    config = folder / "gateway.toml"
    text = CONFIG.replace("localhost:9", f"localhost:{port}")
    text = text.replace("[[utility]]", f"{WEBHOOK}\n[[utility]]")
    config.write_text(text.replace("port = 0", "port = 0\nwebhook_ports = [9]"))
    secret = folder / "webhook.secret"
    secret.write_text("whsec_" + base64.b64encode(HOOK_MARK).decode() + "\n")
    secret.chmod(0o600)
    keys = folder / "data" / "keys"
    keys.mkdir(parents=True, mode=0o700)
    for name, mark in (("installation.key", MARK), ("evidence-log.key", LOG_MARK)):
        (keys / name).write_bytes(mark)
        (keys / name).chmod(0o600)
    return config


@asynccontextmanager
async def running(gateway: Gateway) -> AsyncIterator[None]:
    await gateway.start()
    task = asyncio.create_task(gateway.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await gateway.stop()


async def story(folder: Path, outputs: Outputs) -> None:
    """Run a gateway between a utility and a site, and keep everything that anybody said."""
    pki = openadr("ecc", SystemClock().now())
    files = Pki(folder, pki)
    write(pki.ven("phx"), folder, "ven")
    (folder / "root.pem").write_bytes(pki.anchor_pem)
    async with serving(files) as utility:
        config = install(folder, utility.port)
        loaded = load(config)
        gateway = Gateway(loaded, Wiring(clock=SystemClock(), ids=Ids()))
        async with running(gateway):
            await _play(gateway, utility, outputs)
            await _ask(gateway, outputs)
            await _commands(config, outputs)
            _look(gateway, loaded, outputs)
    outputs.secrets = known_secrets(secret_files(loaded)) | {
        outputs.token.encode(),
        WRONG.encode(),
        PASSWORD.encode(),
        URL_MARK.encode(),
        HOOK_MARK,
        base64.b64encode(HOOK_MARK),
    }
    outputs.note("store", *[p.read_bytes() for p in (folder / "data").glob("gridgate.db*")])


async def _play(gateway: Gateway, utility: UtilityPeer, outputs: Outputs) -> None:
    """An event is told, answered and metered."""
    clock = SystemClock()
    store = gateway.office.store
    outputs.token = await create_token(
        store, Ids(), name="sched", site=next(iter(gateway.office.book.sites)), now=clock.now()
    )
    step = Step(lasts=timedelta(hours=1), value=Decimal(80))
    start = clock.now() + timedelta(hours=2)
    signal = SignalSpec(name="LOAD_DISPATCH", type=SignalType.SETPOINT, unit="kW", steps=(step,))
    await utility.publish(
        EventSpec(
            event_id="ev-1",
            market_context="http://azp.example/fast-dr",
            start=start,
            signals=(signal,),
        )
    )
    async with Site(
        f"{gateway.url}/v1", site="phx-1", token=outputs.token, clock=clock, options=SiteOptions()
    ) as site:
        outputs.note("repr of the client", repr(site), repr(vars(site)))
        at = clock.now().replace(second=0, microsecond=0) - 3 * MINUTE
        for minute in range(3):
            sample = Sample(
                meter="poc", start=at + minute * MINUTE, duration=MINUTE, energy_kwh=Decimal(1)
            )
            await site.telemetry(sample)
        async with clock.timeout(20):
            async for plan in site.plans():
                if await plan.decline("maintenance"):
                    break
            while not utility.answers:
                await clock.sleep_until(clock.now() + timedelta(milliseconds=50))


async def _ask(gateway: Gateway, outputs: Outputs) -> None:
    """Everything that a stranger or a site may read over HTTP, with good and bad tokens."""
    paths = ("intents?site=phx-1", "sites/phx-1/plan", "nothing", f"intents/x?token={WRONG}")
    async with aiohttp.ClientSession() as http:
        for token in (outputs.token, WRONG, f"{WRONG}\x7f"[:40], ""):
            headers = {"Authorization": f"Bearer {token}"} if token.isprintable() and token else {}
            for path in paths:
                async with http.get(f"{gateway.url}/v1/{path}", headers=headers) as answer:
                    outputs.note("answers to sites", await answer.read(), dict(answer.headers))
            async with http.post(
                f"{gateway.url}/v1/sites/phx-1/telemetry", headers=headers, data=WRONG
            ) as answer:
                outputs.note("answers to sites", await answer.read())
        for path in ("metrics", "health/live", "health/ready", "openapi.json", "jwks.json"):
            async with http.get(f"{gateway.url}/{path}") as answer:
                outputs.note(path, await answer.read())


async def _commands(config: Path, outputs: Outputs) -> None:
    """Everything that the commands print beside a running gateway."""
    bundle = config.parent / "bundle.tar.gz"
    given = ("-c", str(config))
    verbs: Mapping[str, tuple[str, ...]] = {
        "config show": ("config", "show", str(config)),
        "config check": ("config", "check", str(config)),
        "token list": ("token", "list", "--json", *given),
        "intents": ("intents", "--json", *given),
        "explain": ("explain", "ev-1", *given),
        "doctor": ("doctor", "--json", *given),
        "opt": ("opt", "ev-1", "out", "--reason", "x", "--json", *given),
        "deliveries": ("deliveries", "list", "--json", *given),
        "audit": ("audit", "list", "--json", *given),
        "store check": ("store", "check", "--json", *given),
        "support-bundle": ("support-bundle", *given, "--out", str(bundle)),
    }
    for name, words in verbs.items():
        if name in STARTED:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", "--debug", *words),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            line = Path(f"/proc/{process.pid}/cmdline")
            outputs.note("process arguments", await asyncio.to_thread(_read, line))
            outputs.note(name, *await process.communicate())
        else:
            done = await asyncio.to_thread(ran, "gateway", "--debug", *words)
            outputs.note(name, done.stdout, done.stderr)
    outputs.note("inside the bundle", *_unpacked(bundle).values())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _unpacked(bundle: Path) -> dict[str, bytes]:
    with tarfile.open(bundle) as archive:
        return {
            entry.name.partition("/")[2]: (archive.extractfile(entry) or io.BytesIO()).read()
            for entry in archive.getmembers()
        }


def _look(gateway: Gateway, loaded: Loaded, outputs: Outputs) -> None:
    """The texts of everything that holds a secret, and of what it holds."""
    seen: set[int] = set()
    queue: list[object] = [gateway, loaded, gateway.office]
    while queue and len(seen) < 3000:
        found = queue.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        outputs.note("repr of every object", repr(found), str(found))
        inner = getattr(found, "__dict__", None) or {
            name: getattr(found, name, None) for name in getattr(type(found), "__slots__", ())
        }
        queue += [v for v in inner.values() if type(v).__module__.startswith("gateway.")]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """Run the story once, with every logger of the process at its most talkative."""
    made, lines, library = Outputs(), io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(library)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stderr(lines):
            set_up(SystemClock().now, as_json=True, level="debug", test_mode=True)
            asyncio.run(story(tmp_path_factory.mktemp("story"), made), debug=True)
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        structlog.reset_defaults()
    made.note("log", lines.getvalue())
    made.note("logs of libraries", library.getvalue())
    return made


SAID = (
    *("log", "logs of libraries", "answers to sites", "metrics", "health/live", "health/ready"),
    *("openapi.json", "jwks.json", "config show", "config check", "token list", "intents"),
    *("deliveries", "audit", "store check"),
    *("explain", "doctor", "opt", "support-bundle", "inside the bundle", "process arguments"),
    *("repr of every object", "repr of the client", "store"),
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", SAID)
def test_no_planted_secret_is_in_what_is_said(outputs: Outputs, name: str) -> None:
    said = outputs.said[name]

    found = [secret for secret in outputs.secrets if secret in said]

    assert found == [], f"{len(found)} secrets in {name}"


def test_the_story_really_said_all_that(outputs: Outputs) -> None:
    """A search of nothing finds nothing."""
    assert set(SAID) == set(outputs.said)
    assert all(len(outputs.said[name]) > 20 for name in SAID)
    assert b"gateway_started" in outputs.said["log"]
    assert b'"reason":"BAD_TOKEN"' in outputs.said["answers to sites"]
    assert b"KeyFileSigner" in outputs.said["repr of every object"]
    assert b"Book(" in outputs.said["repr of every object"]
    assert b"ev-1" in outputs.said["store"]
    assert b'"listed"' in outputs.said["doctor"] or b'"ok"' in outputs.said["doctor"]
    assert b'"cause": "operator"' in outputs.said["inside the bundle"]
    assert b"gateway_exchanges_total" in outputs.said["inside the bundle"]


def test_the_search_knows_every_kind_of_secret(outputs: Outputs) -> None:
    secrets = outputs.secrets

    assert {MARK, LOG_MARK, outputs.token.encode()} <= secrets
    assert b"whsec_" + base64.b64encode(HOOK_MARK) in secrets
    assert MARK.hex().encode() in secrets
    pem = [secret for secret in secrets if secret.startswith(b"MI")]
    assert len(pem) >= 2  # the signing key and the VEN's
    assert all(leaked(secrets, b"..." + secret + b"...") for secret in secrets)


def test_tokens_are_in_the_store_as_digests_alone(outputs: Outputs) -> None:
    assert token_digest(outputs.token).encode() in outputs.said["store"]
    assert outputs.token.encode() not in outputs.said["store"]


def test_the_bundle_holds_no_reading_and_no_identity(outputs: Outputs) -> None:
    inside = outputs.said["inside the bundle"]

    for word in (b"energy_kwh", b"pre_event_kw", b"metered", b"BEGIN CERTIFICATE"):
        assert word not in inside
    doctor = json.loads(outputs.said["doctor"].partition(b"\n}\n")[0] + b"\n}")
    (identity,) = [check for check in doctor["checks"] if check["check"] == "identity"]
    for name in ("fingerprint", "lfdi", "sha256"):
        assert identity["facts"][name].encode() not in inside


# --- what is refused does not repeat what it refuses


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('url = "https://localhost', f'url = "https://me:{PASSWORD}@localhost'),
        ("[southbound]", f'[store]\nurl = "postgresql://me:{PASSWORD}@db/x"\n\n[southbound]'),
        ('ven_name = "phx"', f'ven_name = "phx"\npasswort = "{PASSWORD}"'),
        ("port = 0", f'port = "{PASSWORD}"'),
        ('timezone = "America/Phoenix"\n\n[south', f'timezone = "{PASSWORD}"\n\n[south'),
    ],
)
def test_a_secret_in_the_wrong_place_of_the_file_is_not_repeated(
    tmp_path: Path, old: str, new: str
) -> None:
    assert old in CONFIG
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG.replace(old, new, 1))

    with pytest.raises(ConfigError) as refused:
        load(config)
    checked = ran("gateway", "config", "check", str(config))

    assert PASSWORD not in str(refused.value) + repr(refused.value)
    assert PASSWORD not in checked.stdout + checked.stderr
    assert "error[" in checked.stderr
    assert checked.returncode == 2


@pytest.mark.parametrize("name", ["installation.key", "evidence-log.key", "intent-signing.pem"])
def test_a_damaged_key_is_refused_without_its_content(tmp_path: Path, name: str) -> None:
    write(openadr("ecc", SystemClock().now()).ven("phx"), tmp_path, "ven")
    (tmp_path / "root.pem").write_bytes(openadr("ecc", SystemClock().now()).anchor_pem)
    config = install(tmp_path, 9)
    for path in _keys(tmp_path):
        path.write_bytes(b"-----BEGIN PRIVATE KEY-----\n" + MARK + b"\n-----END PRIVATE KEY-----")
        path.chmod(0o600)

    async def start() -> None:
        gateway = Gateway(load(config), Wiring(clock=SystemClock()))
        try:
            await gateway.start()
        finally:
            await gateway.stop()

    with pytest.raises(GatewayError) as refused:
        asyncio.run(start())

    assert MARK.decode() not in str(refused.value) + repr(refused.value)
    assert name


def _keys(folder: Path) -> list[Path]:
    return sorted((folder / "data" / "keys").glob("*"))


def test_no_command_takes_a_secret_as_an_argument() -> None:
    """Arguments are seen by every user of the machine."""

    def options(command: object, path: str) -> Iterator[str]:
        for sub, found in getattr(command, "commands", {}).items():
            yield from options(found, f"{path} {sub}")
        for param in getattr(command, "params", []):
            yield f"{path} {param.name}"

    found = [
        name
        for name in options(typer.main.get_command(app), "gridgate")
        if name.rpartition(" ")[2] in {"token", "secret", "password", "key"}
    ]

    assert found == []


# --- the redaction itself


def test_identities_and_passwords_are_hidden_in_text_and_trees() -> None:
    fingerprint = "59:4D:D8:CD:35:8E:E7:F7:86:94"
    lfdi = "3F711645BAE5628810DECD685F50C6BB09C03A62"
    text = f"at https://me:{PASSWORD}@host/x, {fingerprint}, {lfdi}, raw {'ab' * 32}"

    hidden = redacted(text)
    tree = redacted_tree({"a": [text], "webhook_secret": "x", "secret_file": "keys/a", "n": 1})

    assert hidden == f"at https://***@host/x, ***, ***, raw {'ab' * 32}"
    assert tree == {"a": [hidden], "webhook_secret": "***", "secret_file": "keys/a", "n": 1}
