"""The audit log: who did what, when and why; and an export in which one changed byte is found."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.app.bootstrap import Gateway, Wiring
from gateway.cli.main import app
from gateway.client.clock import SystemClock
from gateway.config.effective import effective
from gateway.config.load import load
from gateway.domain.canonical import canonical, read_json
from gateway.domain.guard import Guard
from gateway.domain.names import SiteId
from gateway.pipeline.audit import Act, acts, note_start
from gateway.pipeline.delivered import Delivered
from gateway.settlement.audit import verify_audit
from gateway.settlement.finding import Outcome
from gateway.southbound.tokens import create_token, revoke_token
from tests.cli_world import installation
from tests.fakes import CountedIds
from tests.intent_samples import EVENT, SITE, START
from tests.pipeline_story import HERE, MINUTE, House, cancelled, lasting, modified, opened

Files = dict[str, bytes]


async def told(house: House, **wanted: object) -> list[Act]:
    return list(await house.store.read(lambda work: acts(work, **wanted)))  # type: ignore[arg-type]  # test shorthand


async def story() -> House:
    """An event comes, is seen, taken up, changed, cancelled."""
    guard = Guard(highest_kw=SITE.contracted_import_kw, longest_event=timedelta(hours=1))
    house = await opened(House(sites=(replace(SITE, guard=guard),)))
    await house.prover.head()
    await house.deliver(lasting(EVENT, timedelta(minutes=30)))
    await house.ack()
    await house.commit()
    longer = modified(lasting(EVENT, timedelta(minutes=50)), house)
    await house.deliver(longer)
    await house.commit()
    await house.until(START + 5 * MINUTE)
    await house.deliver(cancelled(longer, house.now))
    return house


async def test_the_log_says_who_did_what_with_both_ids() -> None:
    house = await story()
    await create_token(house.store, CountedIds(), name="sched", site=HERE, now=house.now)
    await revoke_token(house.store, "sched", house.now)
    found = await told(house)

    said = [(act.who, act.what) for act in found]
    for wanted in (
        ("utility:azp", "received"),
        ("utility:azp", "changed"),
        ("utility:azp", "cancelled"),
        ("gateway", "intent"),
        ("site", "ack"),
        ("site:phx-1", "answered in"),
        ("gateway", "cancelled"),
        ("operator", "created"),
        ("operator", "revoked"),
    ):
        assert wanted in said
    assert [act.index for act in found] == sorted(act.index for act in found)
    made = next(act for act in found if act.what == "intent")
    assert (made.intent, made.event) == (house.id_of(), "evt-1")
    tokens = await told(house, kinds=("token",))
    assert [act.subject for act in tokens] == ["sched", "sched"]
    assert "token-" not in json.dumps([act.why for act in found])


async def test_what_the_envelope_refused_is_found_by_its_word() -> None:
    house = await story()
    await house.deliver(modified(lasting(EVENT, timedelta(hours=3)), house))
    (act,) = await told(house, kinds=("guard",))

    assert (act.what, act.why, act.intent) == ("guard", "longest_event", house.id_of())
    assert act.event == "evt-1"
    assert await told(house, kinds=("guard",), since=house.now + MINUTE) == []
    assert await told(house, subject="evt-2") == []


@asynccontextmanager
async def running(noting: Delivered) -> AsyncIterator[None]:
    """Let it note in the background."""
    task = asyncio.create_task(noting.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_first_delivery_of_each_revision_is_noted_once() -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    (item,) = await house.outbox("intent")
    for _ in range(2):  # the second round as after a restart
        noting = Delivered(house.office)
        noting.written(item, "stream")
        noting.written(item, "stream")
        async with running(noting):
            await house.until(house.now + MINUTE)
    found = await told(house, kinds=("delivery",))

    assert [(act.what, act.intent) for act in found] == [("delivered", house.id_of())]
    assert "stream" in found[0].why


async def test_start_writes_down_what_changed_and_nothing_else(tmp_path: Path) -> None:
    config = installation(tmp_path)
    house = House()

    async def start() -> None:
        settings = effective(load(config))
        await house.store.write(lambda work: note_start(house.office, work, settings))

    await start()
    await start()
    assert [act.what for act in await told(house)] == ["settings", "signing_key", "epoch"]
    config.write_text(
        config.read_text().replace("ramp_up_kw_per_min = 6", "ramp_up_kw_per_min = 5")
    )
    await start()
    last = (await told(house))[-1]
    assert (last.what, last.why) == ("settings_changed", "site.phx-1.ramp_up_kw_per_min")
    await house.store.raise_epoch()  # type: ignore[attr-defined]  # a store in memory
    await start()
    assert (await told(house))[-1].what == "epoch_changed"


async def exported(house: House) -> Files:
    return await house.prover.audit()


def outcomes(files: Files, log_id: str | None = None) -> set[Outcome]:
    return {finding.outcome for finding in verify_audit(files, log_id).findings}


async def test_an_export_proves_itself_and_names_its_log() -> None:
    house = await story()
    files = await exported(house)

    assert verify_audit(files, house.office.log_key.log_id).findings == ()
    assert outcomes(files, "0" * 64) == {Outcome.MISMATCH}
    part = await house.prover.audit(subject=house.id_of(), kinds=("opt",))
    assert verify_audit(part).findings == ()


def changed_record(files: Files, place: int, change: Callable[[dict[str, object]], None]) -> Files:
    lines = files["records.jsonl"].split(b"\n")
    document = read_json(lines[place])
    assert isinstance(document, dict)
    change(document)
    lines[place] = canonical(document)
    return {**files, "records.jsonl": b"\n".join(lines)}


async def test_each_changed_record_is_found() -> None:
    files = await exported(await story())
    count = files["records.jsonl"].count(b"\n")

    def forge(document: dict[str, object]) -> None:
        document["forged"] = "yes"

    assert count > 10
    for place in range(count):
        findings = verify_audit(changed_record(files, place, forge)).findings
        assert any(f.check == "log" and f.outcome is Outcome.MISMATCH for f in findings)


async def test_a_record_left_out_or_moved_or_a_byte_flipped_is_found() -> None:
    files = await exported(await story())
    lines = files["records.jsonl"].split(b"\n")
    proofs = read_json(files["inclusion.json"])
    assert isinstance(proofs, list)
    for place in range(len(lines) - 1):
        fewer = {
            **files,
            "records.jsonl": b"\n".join(lines[:place] + lines[place + 1 :]),
            "inclusion.json": canonical(proofs[:place] + proofs[place + 1 :]),
        }
        assert outcomes(fewer)
    assert outcomes({**files, "records.jsonl": b"\n".join([*lines[1::-1], *lines[2:]])})
    for name, body in files.items():
        for at in range(0, len(body), max(len(body) // 60, 1)):
            flipped = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            assert outcomes({**files, name: flipped}), (name, at)
    for name in files:
        assert outcomes({k: v for k, v in files.items() if k != name}) == {Outcome.INCOMPLETE}
    assert outcomes({**files, "more.txt": b""}) == {Outcome.MALFORMED}


async def started(config: Path) -> None:
    """Start a gateway once, and give it a token."""
    gateway = Gateway(load(config), Wiring(clock=SystemClock(), alone_on_host=False))
    await gateway.start()
    office = gateway.office
    await create_token(
        office.store, CountedIds(), name="sched", site=SiteId("phx-1"), now=office.clock.now()
    )
    await gateway.stop()


def test_the_command_lists_exports_and_verifies(tmp_path: Path) -> None:
    config = installation(tmp_path)
    asyncio.run(started(config))
    out = str(tmp_path / "audit.zip")

    def typed(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["audit", *words])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.stdout

    code, text = typed("list", "-c", str(config), "--json")
    listed = json.loads(text)["acts"]
    assert code == 0
    assert {"settings", "signing_key", "epoch", "created"} <= {act["what"] for act in listed}
    code, text = typed("list", "-c", str(config), "--kind", "token", "--subject", "sched")
    assert code == 0
    assert "operator" in text
    assert typed("list", "-c", str(config), "--since", "yesterday")[0] == 1
    assert typed("export", "-c", str(config), "-o", out)[0] == 0
    assert typed("export", "-c", str(config), "-o", out)[0] == 1
    assert typed("verify", out)[0] == 0
    damaged = Path(out).read_bytes().replace(b'"by":"operator"', b'"by":"somebody"')
    if damaged == Path(out).read_bytes():
        pytest.fail("the export holds the records as they are")
    Path(out).write_bytes(damaged)
    assert typed("verify", out)[0] in {1, 2}
    assert typed("verify", str(tmp_path / "none.zip"))[0] == 2
    assert typed("export", "-c", str(config), "--subject", "nobody", "-o", out + "2")[0] == 1
