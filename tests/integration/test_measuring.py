"""What a running gateway shows of itself, and what it shows when something is wrong."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.measuring import days_left
from gateway.client.clock import SystemClock
from gateway.config.load import load
from gateway.domain.answers import Heartbeat
from gateway.domain.guard import Guard, Outside, Rule
from gateway.domain.names import EventId, SiteId
from gateway.pipeline.ports import Timer, Work
from gateway.pipeline.records import SiteStatus
from gateway.store.open import open_store
from tests.alert_rules import rules
from tests.cli_world import installation
from tests.fakes import CountedIds
from tests.intent_samples import EVENT, SITE, START
from tests.pipeline_story import HERE, MINUTE, House, opened


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    started = Gateway(
        load(installation(tmp_path)), Wiring(clock=SystemClock(), alone_on_host=False)
    )
    await started.start()
    yield started
    await started.stop()


async def fetched(gateway: Gateway, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(gateway.url + path) as answer:
        return answer.status, await answer.text()


async def test_a_running_gateway_measures_whatever_an_alert_names(gateway: Gateway) -> None:
    status, text = await fetched(gateway, "/metrics")

    assert status == 200
    shown = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    missing = {rule.metric for rule in rules()} - shown - {"up"}
    assert missing == set()
    for name in (
        "gateway_event_to_site_seconds",
        "gateway_commit_seconds",
        "gateway_retries_total",
        "gateway_loop_lag",
        "process_resident_memory_bytes",
    ):
        assert name in shown
    assert 'gateway_commit_seconds_count{step="agree"} 1.0' in text
    assert "gateway_store_writable 1.0" in text
    assert 'gateway_certificate_days_left{role="utility:azp"}' in text
    assert "phx-1" not in text


async def test_no_site_has_a_name_in_the_metrics_and_asking_again_costs_no_look(
    gateway: Gateway,
) -> None:
    _, first = await fetched(gateway, "/metrics")
    work = {"gateway_sites_unheard 1.0", "gateway_sites_silent 0.0"}
    assert work <= set(first.splitlines())

    def heard(work: Work) -> None:
        at = gateway.office.clock.now() - timedelta(hours=1)
        beat = Heartbeat(at=at, software="x")
        work.telemetry.heard(SiteStatus(site=SiteId("phx-1"), heard_at=at, heartbeat=beat))

    await gateway.office.store.write(heard)
    _, second = await fetched(gateway, "/metrics")
    assert "gateway_sites_unheard 1.0" in second.splitlines()
    assert gateway._measuring is not None
    gateway._measuring._read_s = None
    _, third = await fetched(gateway, "/metrics")
    assert {"gateway_sites_unheard 0.0", "gateway_sites_silent 1.0"} <= set(third.splitlines())


async def test_a_store_that_takes_no_writes_makes_the_gateway_unready(gateway: Gateway) -> None:
    assert '"store":"ok"' in (await fetched(gateway, "/health/ready"))[1]
    assert gateway._store is not None
    await gateway._store.close()
    assert gateway._measuring is not None
    gateway._measuring._probed_s = None

    status, text = await fetched(gateway, "/health/ready")
    assert status == 503
    assert "the store takes no writes" in text
    assert (await fetched(gateway, "/metrics"))[0] == 200
    assert "gateway_store_writable 0.0" in (await fetched(gateway, "/metrics"))[1]


async def test_the_store_counts_what_is_held_unseen_overdue_and_silent() -> None:
    hold = Guard(
        highest_kw=SITE.contracted_import_kw,
        events_per_day=1,
        actions={Rule.EVENTS_PER_DAY: Outside.HOLD},
    )
    async with await open_store("sqlite://", ids=CountedIds()) as store:
        house = await opened(House(store=store, sites=(replace(SITE, guard=hold),)))
        await house.deliver(EVENT)
        second = replace(EVENT, event_id=EventId("evt-2"), received_at=house.now)
        await house.deliver(second)
        await store.write(
            lambda work: work.timers.set(
                Timer(key="x", kind="phase", subject="x", due_at=house.now - 2 * MINUTE)
            )
        )
        beat = Heartbeat(at=house.now, software="x")
        await house.desk.heartbeat(HERE, beat)
        found = await store.figures(house.now + MINUTE)

        assert found.held == 1
        assert found.unseen.count == 1
        assert found.unseen.oldest_s == 60
        assert found.overdue_s == 180
        assert found.heard_s == {HERE: 60}
        await house.ack()
        assert (await store.figures(house.now)).unseen.count == 0
        assert (await store.figures(START + timedelta(days=2))).unseen.count == 0


def test_a_certificate_that_cannot_be_read_lasts_no_longer(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("nonsense")
    paths = {"a": tmp_path / "bad.pem", "b": tmp_path / "missing.pem"}

    assert days_left(paths, START) == {"a": 0.0, "b": 0.0}
