"""Alert rules and metrics belong together: every rule is silent when all is well, and can fire."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway.domain.errors import TransportError
from gateway.observability.lag import LoopLag
from gateway.observability.metrics import Metrics
from gateway.observability.standing import Standing, StandingGauges, StoreFigures, Waiting
from gateway.protocols.actions import Message, Send
from tests.alert_rules import RULES, RUNBOOK, Rule, Values, rules

GIB: Final = 1 << 30

WELL: Final = Standing(
    store=StoreFigures(heard_s={"phx-1": 3.0}),
    answers=Waiting(),
    silent=0,
    unheard=0,
    writable=True,
    free_bytes=50 * GIB,
    clock_sane=True,
    utilities_s={"azp": 4.0},
    offsets_s={"azp": -2.0},
    certificate_days={"utility:azp": 300.0},
)
FAULTS: Final[dict[str, Standing]] = {
    "UtilitySilent": replace(WELL, utilities_s={"azp": 301.0}),
    "UtilityClockOff": replace(WELL, offsets_s={"azp": -2820.0}),
    "ClockInsane": replace(WELL, clock_sane=False),
    "IntentUnseen": replace(WELL, store=StoreFigures(unseen=Waiting(count=1, oldest_s=31.0))),
    "AnswerNotTaken": replace(WELL, answers=Waiting(count=1, oldest_s=121.0)),
    "SitesSilent": replace(WELL, silent=1),
    "IntentHeld": replace(WELL, store=StoreFigures(held=1)),
    "DeadLetters": replace(WELL, store=StoreFigures(dead_letters=1)),
    "RowsQuarantined": replace(WELL, store=StoreFigures(quarantined=1)),
    "StoreRefuses": replace(WELL, writable=False),
    "DiskLow": replace(WELL, free_bytes=GIB - 1),
    "TimersLate": replace(WELL, store=StoreFigures(overdue_s=61.0)),
    "CertificateEnds": replace(WELL, certificate_days={"utility:azp": 29.0}),
    "CertificateEndsSoon": replace(WELL, certificate_days={"southbound": 0.0}),
}


class House:
    """Everything that measures, on one registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        self.gauges = StandingGauges(self.registry)
        self.lag = LoopLag(self.registry)
        ProcessCollector(registry=self.registry)
        self.metrics.watch("azp", lambda: 0, lambda: self.probing)
        self.probing = False
        self.gauges.show(WELL)

    def scrape(self) -> Values:
        text = generate_latest(self.registry).decode()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


async def broken(_: Send) -> Message:
    raise TransportError("TLS", "certificate verify failed: certificate has expired")


POLL: Final = Send(service="OadrPoll", body=b"", request_id="r", media_type="application/xml")


def opened(house: House) -> None:
    house.probing = True


STORIES: Final[dict[str, Callable[[House], object]]] = {
    "UtilityProbing": opened,
    "EnvelopeReached": lambda house: house.metrics.count("guard", "min_hold", "clip"),
    "EventsContradict": lambda house: house.metrics.count("event", "conflict"),
    "LoopLags": lambda house: house.lag._worst.set(0.3),
}
ELSEWHERE: Final = {
    "GatewayDown": "up is made by Prometheus itself",
    "MemoryHigh": "no test takes a gibibyte",
    "UtilityTlsFails": "awaited in a test of its own",
}


def test_nothing_fires_while_all_is_well() -> None:
    house = House()
    house.metrics.count("event", "admit")
    before = house.scrape()
    house.metrics.count("event", "repeat")
    house.gauges.show(WELL)
    after = house.scrape()

    assert [rule.alert for rule in rules() if rule.fires(before, after)] == []


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.alert)
def test_each_alert_fires_when_its_fault_is_there(rule: Rule) -> None:
    house = House()
    before = house.scrape()
    if rule.alert in FAULTS:
        house.gauges.show(FAULTS[rule.alert])
    elif rule.alert in STORIES:
        STORIES[rule.alert](house)
    else:
        assert rule.alert in ELSEWHERE
        return

    assert rule.fires(before, house.scrape())


async def test_an_expired_certificate_counts_by_its_cause() -> None:
    house = House()
    exchange = house.metrics.counted("azp", broken)
    before = house.scrape()
    for _ in range(2):
        with pytest.raises(TransportError):
            await exchange(POLL)
    after = house.scrape()

    (rule,) = (each for each in rules() if each.alert == "UtilityTlsFails")
    assert rule.fires(before, after)
    labels = frozenset({("utility", "azp"), ("cause", "expired")})
    assert after["gateway_tls_failures_total", labels] == 2
    assert after["gateway_retries_total", frozenset({("utility", "azp")})] == 1


def test_each_alert_has_its_place_in_the_runbook() -> None:
    anchors = {
        line[3:].strip().lower()
        for line in RUNBOOK.read_text().splitlines()
        if line.startswith("## ")
    }

    assert {rule.runbook for rule in rules()} == {
        f"docs/operations/runbook.md#{anchor}" for anchor in anchors
    }
    assert len(rules()) == len({rule.alert for rule in rules()}) >= 20


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed here")
def test_promtool_accepts_the_rules() -> None:
    assert subprocess.run(["promtool", "check", "rules", str(RULES)], check=False).returncode == 0
