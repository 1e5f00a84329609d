"""The statement of our own VEN: its page is made of its data, its claims are seen to hold, its gaps are said."""

import re
from pathlib import Path

import pytest

from conformance.engine.data import load
from conformance.engine.pics import Claim, Pics, checked, proforma
from conformance.engine.statement import Statement, page
from gateway.protocols.oadr2b.metadata import ReportName
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.signals import RULES

ROOT = Path(__file__).parents[2]
DATA = ROOT / "docs" / "pics" / "oadr20b-ven.yaml"
STATEMENT = load(DATA, Statement)
BY_ITEM = {entry.item: entry for entry in STATEMENT.entries}
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
}
SETTINGS = set(VenOptions.model_fields) | {"clock_policy", "actuate_tests"}


def test_the_page_is_made_of_the_data() -> None:
    """To renew it: print(page(load(DATA, Statement))) into docs/pics/oadr20b-ven.md."""
    assert DATA.with_suffix(".md").read_text() == page(STATEMENT)


def test_items_are_named_once() -> None:
    assert len(BY_ITEM) == len(STATEMENT.entries)


@pytest.mark.parametrize("entry", STATEMENT.entries, ids=lambda entry: entry.item)
def test_every_claim_names_tests_that_there_are(entry: object) -> None:
    claim = BY_ITEM[getattr(entry, "item", "")]

    assert set(claim.tests) <= TESTS
    if claim.support == "yes" and claim.status == "M":
        assert claim.tests
    for setting in re.findall(r"`(\w+)`", claim.values):
        assert setting in SETTINGS


def test_every_mandatory_item_is_supported() -> None:
    assert [e.item for e in STATEMENT.entries if e.status == "M" and e.support == "no"] == []


def test_the_signals_and_reports_named_are_those_of_the_code() -> None:
    text = " ".join(e.capability for e in STATEMENT.entries if e.item.startswith("VEN-SIG"))
    for name, _ in RULES:
        assert name in text
    given = {e.item: e.capability for e in STATEMENT.entries if e.item.startswith("VEN-RPT")}
    for name in ReportName:
        assert any(name in capability for capability in given.values())


def test_the_suites_short_form_of_it_contradicts_nothing() -> None:
    """The lab's proforma, answered from this statement; what it does not speak of is answered no."""
    form = proforma("oadr20b", "ven")
    elsewhere = {
        "VEN-EVT": "VEN-EVT-ANSWER",
        "VEN-EVT-PRICE": "VEN-SIG-PRICE",
        "VEN-EVT-DISPATCH": "VEN-SIG-DISPATCH",
        "VEN-EVT-OPT-LATER": "VEN-EVT-LATER",
        "VEN-EVT-REQUEST": "VEN-REG-CREATE",
        "VEN-EVT-STATE": "VEN-EVT-CLOCK",
        "VEN-EVT-PRECEDENCE": "VEN-SIG-SEVERAL",
        "VEN-EVT-CONTEXTS": "VEN-EVT-CONTEXT",
        "VEN-EVT-GROUP": "VEN-EVT-TARGET",
        "VEN-SIG-CHARGE": "VEN-SIG-STORAGE",
        "VEN-SIG-CLASS": "VEN-EVT-TARGET",
        "VEN-SIG-PARTIAL": "VEN-SIG-SEVERAL",
        "VEN-RPT-PRODUCER": "VEN-REQ-REPORTS",
    }
    claims = {
        item.id: Claim(
            support=found.support if found else "no",
            values=("ECC", "RSA") if item.values else (),
        )
        for item in form.items
        for found in [BY_ITEM.get(elsewhere.get(item.id, item.id))]
    }

    statement = checked(
        Pics(
            vendor=STATEMENT.vendor,
            product=STATEMENT.product,
            version="1",
            profile=STATEMENT.profile,
            role=STATEMENT.role,
            items=claims,
        )
    )

    assert statement.support["VEN-OPT-SCHEDULE"] == ()
