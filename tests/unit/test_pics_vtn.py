"""The statement of our own VTN: its page is made of its data, its claims are seen to hold, the suite's form agrees."""

import re
from pathlib import Path

import pytest

from conformance.cli.schedule import VtnSection
from conformance.engine.data import load
from conformance.engine.pics import Pics, checked, proforma
from conformance.engine.statement import Statement, page
from conformance.foreign.expected import find_peer

ROOT = Path(__file__).parents[2]
DATA = ROOT / "docs" / "pics" / "oadr20b-vtn.yaml"
STATEMENT = load(DATA, Statement)
BY_ITEM = {entry.item: entry for entry in STATEMENT.entries}
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
}
SETTINGS = {*VtnSection.model_fields, "unchecked"}


def test_the_page_is_made_of_the_data() -> None:
    """To renew it: print(page(load(DATA, Statement))) into docs/pics/oadr20b-vtn.md."""
    assert DATA.with_suffix(".md").read_text() == page(STATEMENT)


def test_items_are_named_once() -> None:
    assert len(BY_ITEM) == len(STATEMENT.entries)


@pytest.mark.parametrize("item", sorted(BY_ITEM))
def test_every_claim_names_tests_that_there_are(item: str) -> None:
    claim = BY_ITEM[item]

    assert set(claim.tests) <= TESTS
    assert claim.tests or claim.support == "no"
    assert claim.status != "M" or claim.support == "yes"
    assert set(re.findall(r"`(\w+)`", claim.values)) <= SETTINGS


@pytest.mark.parametrize("name", ["gridgate-vtn-pull", "gridgate-vtn-push"])
def test_the_form_by_which_it_is_judged_says_the_same(name: str) -> None:
    form = checked(load(find_peer(name).pics, Pics))

    claimed = {
        item.id: form.support.get(item.id) is not None for item in proforma("oadr20b", "vtn").items
    }

    assert claimed == {item: BY_ITEM[item].support == "yes" for item in claimed}
