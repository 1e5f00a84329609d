"""Every registered protocol brings what a newcomer and an auditor need."""

import re
from functools import cache
from pathlib import Path

import pytest

from gateway.domain.protocol import ProtocolName
from gateway.protocols.entry import Entry
from gateway.protocols.registry import PROTOCOLS

ROOT = Path(__file__).parents[2]
ENTRIES = list(PROTOCOLS.values())
DEFINED = re.compile(r"def (test_\w+|Test\w+)\(|^(test_\w+|Test\w+) = ", re.MULTILINE)


def folder(entry: Entry) -> Path:
    """Return the protocol's folder under ``gateway/protocols``; its options may stand deeper."""
    return ROOT / Path(*entry.options.__module__.split(".")[:3])


def name(entry: Entry) -> str:
    return entry.name


@cache
def defined() -> frozenset[str]:
    """Return the names of every test there is, found in one reading of the files."""
    texts = (path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    return frozenset(one or other for text in texts for one, other in DEFINED.findall(text))


@cache
def files() -> frozenset[str]:
    return frozenset(path.name for path in (ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("entry", ENTRIES, ids=name)
def test_a_protocol_has_a_coverage_table_whose_files_and_tests_exist(entry: Entry) -> None:
    text = (folder(entry) / "README.md").read_text()

    rows = re.findall(r"^\| .* \|$", text, re.MULTILINE)
    assert "| Clause | What | Where | Test | Status |" in rows
    assert len(rows) > 20
    for found in re.findall(r"`(test_\w+|Test\w+)`", text):
        assert found in defined()
    for found in re.findall(r"`(\w+\.py)`", text):
        assert found in files() or (folder(entry) / found).exists(), found


@pytest.mark.parametrize("entry", ENTRIES, ids=name)
def test_a_row_that_is_done_names_a_test(entry: Entry) -> None:
    text = (folder(entry) / "README.md").read_text()

    for row in re.findall(r"^\| (.*) \|$", text, re.MULTILINE)[2:]:
        cells = [cell.strip() for cell in row.split("|")]
        if cells[-1].startswith(("done", "lenient")):
            assert "test_" in cells[3] or "Test" in cells[3], row


@pytest.mark.parametrize("entry", ENTRIES, ids=name)
def test_options_have_defaults_and_round_trip(entry: Entry) -> None:
    options = entry.read_options({})

    document = options.model_dump(mode="json")

    assert entry.read_options(document) == options


@pytest.mark.parametrize("entry", ENTRIES, ids=name)
def test_unknown_options_are_refused(entry: Entry) -> None:
    with pytest.raises(ValueError, match="extra_forbidden"):
        entry.read_options({"pol_period": "PT10S"})


@pytest.mark.parametrize("entry", ENTRIES, ids=name)
def test_every_option_says_what_it_does(entry: Entry) -> None:
    source = (ROOT / Path(*entry.options.__module__.split("."))).with_suffix(".py").read_text()

    for option in entry.options.model_fields:
        assert re.search(rf'^    {option}: [^\n]*\n    """', source, re.MULTILINE), option


def test_names_are_those_of_the_configuration() -> None:
    assert all(PROTOCOLS[entry.name] is entry for entry in ENTRIES)
    assert set(PROTOCOLS) <= set(ProtocolName)
