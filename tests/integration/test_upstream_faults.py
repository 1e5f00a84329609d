"""The gateway before a utility that fails in every way known: nothing lost, nothing doubled, nothing late."""

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from conformance.faults.fault import Layer
from conformance.faults.registry import FAULTS
from conformance.faults.schedule import Schedule
from gateway.app.ids import SeededChance
from gateway.northbound.health import Health
from gateway.protocols.oadr2b.vtn_facts import Answered
from tests.fault_world import POLL, UTILITY, Stage, staged

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
CAP_S = 60.0
"""Longest wait of our own: the poll period is shorter."""
REASONS = {
    "refuse": "CONNECT",
    "reset_mid": "BROKEN",
    "half_close": "BROKEN",
    "black_hole": "TIMEOUT",
    "late": "TIMEOUT",
    "trickle": "TIMEOUT",
    "tls_expired": "TLS",
    "tls_wrong_ca": "TLS",
    "tls_wrong_host": "TLS",
    "tls_stall": "CONNECT",
    "http_302": "STATUS_302",
    "http_503_seconds": "STATUS_503",
    "drip_body": "TIMEOUT",
    "drip_headers": "TIMEOUT",
    "interim": "BROKEN",
    "body_2_gib": "TOO_LARGE",
    "chunks_2_gib": "TOO_LARGE",
    "gzip_bomb": "BROKEN",
    "xml_malformed": "NOT_XML",
    "xml_doctype": "DOCTYPE",
    "xml_entity_bomb": "DOCTYPE",
    "xml_external_entity": "DOCTYPE",
    "xml_deep": "TOO_DEEP",
    "xml_attributes": "TOO_MANY_ATTRIBUTES",
    "xml_utf16": "ENCODING",
}


QUICK = {
    "refuse",
    "black_hole",
    "tls_expired",
    "tls_stall",
    "http_302",
    "gzip_bomb",
    "xml_deep",
    "delay",
    "chunked",
}
"""In every check; the others with the whole suite."""


def chosen(*, harmless: bool) -> list[Any]:
    return [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name, fault in FAULTS.items()
        if fault.harmless is harmless
    ]


async def strike(stage: Stage, name: str) -> None:
    """Let a fault strike every message from now on."""
    whole = FAULTS[name].whole_connection
    stage.fail(f"*: {name}" if whole else f"*.*: {name}")
    if whole:
        await stage.proxy.cut()


def gaps(stage: Stage) -> list[float]:
    return [(after - before).total_seconds() for before, after in pairwise(stage.struck())]


def health(stage: Stage) -> Health:
    sessions = stage.gateway._sessions
    assert sessions is not None
    return sessions.health()[UTILITY]


def sample(stage: Stage, name: str) -> float:
    found = stage.gateway._metrics.registry.get_sample_value(
        f"gateway_utility_{name}", {"utility": UTILITY}
    )
    assert found is not None
    return found


@pytest.mark.spec("OpenADR 2.0b section 9.1.4")
@pytest.mark.parametrize("name", chosen(harmless=False))
async def test_a_fault_loses_no_event_and_changes_nothing(tmp_path: Path, name: str) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        before = await stage.session()
        await strike(stage, name)
        await stage.publish("e1", 4 * HOUR)

        assert await stage.answered("e1", 5 * MINUTE) is None
        assert await stage.session() == before, "what was refused left a trace"
        assert await stage.intents("e1") == ()
        if name in REASONS:
            assert health(stage).last_failure == REASONS[name]

        stage.heal()
        assert await stage.answered("e1", 4 * MINUTE), "the next good exchange did not recover"
        await stage.sleep(5 * MINUTE)
        assert len(await stage.intents("e1")) == 1
        assert len(stage.utility.told(Answered)) == 1
        assert health(stage).failures_in_a_row == 0


@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-09")
@pytest.mark.parametrize("name", chosen(harmless=True))
async def test_what_a_peer_may_do_is_borne(tmp_path: Path, name: str) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        await strike(stage, name)
        await stage.publish("e1", 4 * HOUR)

        assert await stage.answered("e1", 2 * MINUTE)
        assert stage.struck()
        assert len(await stage.intents("e1")) == 1


@pytest.mark.spec("OpenADR 2.0b rule 514")
@pytest.mark.parametrize(
    ("name", "reason"),
    [("xml_bad_signature", "SIGNATURE_VALUE"), ("xml_wrapped_signature", "SIGNATURE_SHAPE")],
)
async def test_in_high_security_a_false_signature_loses_no_event_and_changes_nothing(
    tmp_path: Path, name: str, reason: str
) -> None:
    async with staged(tmp_path, signed=True) as stage:
        await stage.settle()
        before = await stage.session()
        await strike(stage, name)
        await stage.publish("e1", 4 * HOUR)

        assert await stage.answered("e1", 5 * MINUTE) is None
        assert await stage.session() == before, "what was refused left a trace"
        assert await stage.intents("e1") == ()
        assert await stage.intents("forged-e1") == ()
        assert health(stage).last_failure == reason

        stage.heal()
        assert await stage.answered("e1", 4 * MINUTE), "the next good exchange did not recover"
        assert len(await stage.intents("e1")) == 1
        assert await stage.intents("forged-e1") == ()


@pytest.mark.spec("OpenADR 2.0b section 9.1.7")
@pytest.mark.parametrize(
    "name", ["refuse", "reset_mid", "tls_expired", "http_500", "xml_malformed"]
)
async def test_waits_double_from_a_second_to_the_cap(tmp_path: Path, name: str) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        await strike(stage, name)
        await stage.sleep(HOUR)

        found = gaps(stage)
        wanted = [min(2.0**n, CAP_S) for n in range(len(found))]
        assert 55 < len(found) < 75, "single probes an hour, far below the budget of one a second"
        for gap, plain in zip(found, wanted, strict=True):
            assert 0.9 * plain <= gap <= 1.1 * plain
        assert len(set(found[10:])) > 10, "waits of a fleet must not fall together"


@pytest.mark.spec("OpenADR 2.0b section 9.1.6")
@pytest.mark.parametrize(
    ("name", "patience"),
    [
        ("tls_stall", 5),  # connection and handshake
        ("black_hole", 20),  # first byte: two thirds of 30 s
        ("drip_headers", 20),
        ("drip_body", 5),  # 1 KiB/s
        ("body_1_5_mib", None),
    ],
)
async def test_patience_has_a_limit_of_its_own_for_each_step(
    tmp_path: Path, name: str, patience: int | None
) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        await strike(stage, name)
        await stage.sleep(2 * MINUTE)

        wait = gaps(stage)[0]
        assert wait == 10 if patience is None else patience + 0.9 <= wait <= patience + 1.1


@pytest.mark.spec("OpenADR 2.0b section 9.1.5")
@pytest.mark.parametrize("name", ["http_503_seconds", "http_503_date", "http_429"])
@pytest.mark.parametrize(("asked", "kept"), [(300, 300), (3600, 3600), (100_000, 3600)])
async def test_the_utility_is_left_alone_as_long_as_it_asks_but_an_hour_at_most(
    tmp_path: Path, name: str, asked: int, kept: int
) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        stage.fail(f"*.*: {name}={asked}")
        await stage.sleep(2 * HOUR + 2 * MINUTE)

        found = gaps(stage)
        assert found
        # A date has whole seconds.
        assert all(kept - 1 <= gap <= kept for gap in found[:2]), found
        stage.heal()


async def test_a_utility_that_is_down_at_the_start_is_found_when_it_comes(tmp_path: Path) -> None:
    async with staged(tmp_path, schedule="*: refuse") as stage:
        await stage.sleep(HOUR)
        assert stage.utility.vens == ()
        assert health(stage).probing
        assert sample(stage, "probing") == 1
        assert sample(stage, "failures_in_a_row") > 55
        stage.heal()
        await stage.publish("e1", 2 * HOUR)

        assert await stage.answered("e1", 2 * MINUTE)
        assert sample(stage, "probing") == 0


async def test_an_event_that_is_known_runs_its_course_while_the_utility_is_down(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        start = await stage.publish("e1", 30 * MINUTE)
        assert await stage.answered("e1", MINUTE)
        await stage.proxy.down()
        before = await stage.intents("e1")
        await stage.clock.sleep_until(start + 90 * MINUTE)

        (after,) = await stage.intents("e1")
        assert after.intent.revision == before[0].intent.revision
        await stage.proxy.start()
        await stage.publish("e2", 2 * HOUR)
        assert await stage.answered("e2", 3 * MINUTE)


async def test_an_event_that_began_and_ended_while_the_utility_was_down_is_never_started(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        await stage.proxy.down()
        await stage.publish("gone", 10 * MINUTE, hours=1)
        await stage.publish("runs", 10 * MINUTE, hours=4)
        await stage.sleep(2 * HOUR)
        await stage.proxy.start()
        await stage.sleep(5 * MINUTE)

        assert await stage.intents("gone") == (), "started after its end"
        assert len(await stage.intents("runs")) == 1, "an event that still runs is taken"


@pytest.mark.spec("OpenADR 2.0b section 9.1.4")
@pytest.mark.parametrize(
    "name", ["reset_before", "lost_answer", "reset_mid", "http_500", "xml_page"]
)
async def test_an_answer_that_gets_lost_is_repeated_and_counts_once(
    tmp_path: Path, name: str
) -> None:
    async with staged(tmp_path) as stage:
        await stage.settle()
        await stage.publish("e1", 4 * HOUR)
        await stage.sleep(POLL)  # fetched, not decided yet
        stage.fail(f"*.*: {name}")
        await stage.sleep(2 * MINUTE)
        stage.heal()

        assert await stage.answered("e1", 3 * MINUTE)
        await stage.sleep(5 * MINUTE)
        answers = {(fact.fact.event_id, fact.fact.opt) for fact in stage.utility.answers}
        assert len(answers) == 1
        assert len(await stage.intents("e1")) == 1


ROWS = {
    ("tcp", "refuse"): ("refuse",),
    ("tcp", "reset before the response"): ("reset_unsent", "reset_before"),
    ("tcp", "reset in the middle"): ("reset_mid",),
    ("tcp", "reset after it"): ("reset_after",),
    ("tcp", "half-close"): ("half_close",),
    ("tcp", "black hole"): ("black_hole", "lost_answer"),
    ("tcp", "delay"): ("delay", "late"),
    ("tcp", "bandwidth"): ("bandwidth", "trickle"),
    ("tcp", "writes of one byte"): ("one_byte_writes",),
    ("tls", "expired"): ("tls_expired",),
    ("tls", "not yet valid"): ("tls_not_yet_valid",),
    ("tls", "wrong CA"): ("tls_wrong_ca",),
    ("tls", "wrong host"): ("tls_wrong_host",),
    ("tls", "wrong curve"): ("tls_wrong_curve",),
    ("tls", "missing intermediate"): ("tls_missing_intermediate",),
    ("tls", "unknown critical extension"): ("tls_critical_extension",),
    ("tls", "TLS 1.1 only"): ("tls_1_1_only",),
    ("tls", "TLS 1.3 only"): ("tls_1_3_only",),
    ("tls", "no common cipher"): ("tls_no_cipher",),
    ("tls", "no resumption"): ("tls_no_resumption",),
    ("tls", "renegotiation"): ("tls_renegotiation",),
    ("tls", "alert mid-stream"): ("tls_alert",),
    ("http", "3xx"): ("http_301", "http_302", "http_303", "http_307"),
    ("http", "3xx to another host"): ("http_308", "http_302_elsewhere"),
    ("http", "429 + Retry-After"): ("http_429",),
    ("http", "503 + Retry-After"): ("http_503_seconds", "http_503_date"),
    **{
        ("http", str(code)): (f"http_{code}",)
        for code in (400, 401, 403, 404, 405, 408, 409, 412, 500, 502, 503, 504)
    },
    ("http", "wrong content type"): ("wrong_type",),
    ("http", "wrong length"): (
        "length_too_long",
        "length_too_short",
        "lengths_differ",
        "length_and_chunks",
        "no_length",
    ),
    ("http", "chunked"): ("chunked", "broken_chunk"),
    ("http", "duplicate headers"): ("duplicate_headers",),
    ("http", "close after headers"): ("close_after_headers", "close_after"),
    ("http", "slow body"): ("drip_body", "drip_headers"),
    ("http", "body of 1.5 MiB"): ("body_1_5_mib",),
    ("http", "gzip bomb"): ("gzip_bomb",),
    ("xml", "malformed"): ("xml_malformed",),
    ("xml", "wrong namespace"): ("xml_wrong_namespace",),
    ("xml", "unknown elements"): ("xml_unknown_element",),
    ("xml", "element order"): ("xml_order",),
    ("xml", "DOCTYPE"): ("xml_doctype",),
    ("xml", "entity bomb"): ("xml_entity_bomb",),
    ("xml", "external entity"): ("xml_external_entity",),
    ("xml", "depth 10^5"): ("xml_deep",),
    ("xml", "10^5 attributes"): ("xml_attributes",),
    ("xml", "wrong encoding"): ("xml_utf16", "xml_latin1"),
    ("xml", "BOM"): ("xml_bom",),
    ("xml", "invalid signature"): ("xml_bad_signature",),
    ("xml", "wrapped signature"): ("xml_wrapped_signature",),
}
"""What the catalogue of faults asks for, layer by layer, and the faults that do it."""
MORE = {
    "unsolicited",
    "tls_stall",
    "http_406",
    "http_410",
    "http_411",
    "many_headers",
    "long_header",
    "interim",
    "body_2_gib",
    "chunks_2_gib",
    "empty_200",
    "http_204",
    "xml_binary",
    "xml_page",
}
"""Faults beyond the catalogue."""


def test_every_row_of_the_catalogue_is_a_fault_that_the_gateway_meets_here() -> None:
    done = [name for names in ROWS.values() for name in names]
    met = {param.values[0] for harmless in (True, False) for param in chosen(harmless=harmless)}

    assert len(ROWS) == 59
    assert len(done) == len(set(done)), "one fault for two rows"
    assert set(done) | MORE == set(FAULTS) == met
    assert MORE.isdisjoint(done)
    for (_, row), names in ROWS.items():
        assert names, row
    # A response is spoilt at the layer of its row, but for what ends the connection.
    strays = {n for (layer, _), names in ROWS.items() for n in names if FAULTS[n].layer != layer}
    assert strays == {"close_after"}


def test_every_fault_of_the_four_layers_has_a_name() -> None:
    assert {fault.layer for fault in FAULTS.values()} == set(Layer)
    assert len(FAULTS) >= 85
    for name, fault in FAULTS.items():
        assert fault.name == name
        assert fault.what
        assert (fault.act is None) != (fault.disguise is None)


def made(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


async def told_of(folder: Path, schedule: str) -> list[tuple[str, datetime]]:
    async with staged(folder, schedule=schedule) as stage:
        await stage.publish("e1", 4 * HOUR)
        await stage.sleep(20 * MINUTE)
        return [(str(passed), passed.at) for passed in stage.proxy.passed]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_drawn_schedule_runs_the_same_twice(tmp_path: Path, seed: int) -> None:
    chance = SeededChance(seed, "faults")
    faults = tuple(FAULTS.values())
    schedule = str(Schedule.drawn(chance, faults, connections=60, messages=60, share=0.3))

    first = await told_of(made(tmp_path, "first"), schedule)
    second = await told_of(made(tmp_path, "second"), schedule)

    assert first == second
    assert sum(not what.endswith(" -") for what, _ in first) > 10, "hardly anything struck"


@pytest.mark.spec("OpenADR 2.0b rule 67")
async def test_under_the_certification_profile_tls_1_3_alone_is_no_connection(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, extra='tls_profile = "certification"') as stage:
        await stage.settle()
        await strike(stage, "tls_1_3_only")
        await stage.sleep(MINUTE)
        assert health(stage).failures_in_a_row > 3

        stage.heal()
        await stage.publish("e1", 4 * HOUR)
        assert await stage.answered("e1", 2 * MINUTE)
