"""Pages of clauses are what the tests' markers and the modules say, and every citation is of a listed clause."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.coverage.book import Book
from conformance.coverage.books import BOOKS
from conformance.coverage.oadr2b import OADR2B
from conformance.coverage.oadr2b.citing import cited as cited_2b
from conformance.coverage.sep2 import SEP2
from conformance.coverage.sep2.citing import cited as cited_sep2
from conformance.coverage.sep2.citing import named
from conformance.coverage.table import ROOT, Clause, clauses, counts, listed, marked, page

each_book = pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.at.name)


def marking(root: Path, *markers: str, code: str = "") -> Path:
    """Write a project of one test with these markers, and of one module of either protocol."""
    for book in BOOKS:
        (root / book.code[0]).mkdir(parents=True)
        (root / book.code[0] / "a.py").write_text(f'"""{code}"""\n')
    (root / "tests").mkdir()
    spec = ", ".join(f'"{one}"' for one in markers)
    (root / "tests/test_a.py").write_text(
        f"import pytest\n\n@pytest.mark.spec({spec})\ndef test_x() -> None: ...\n"
    )
    return root


def rows(book: Book, root: Path) -> dict[str, Clause]:
    return {name: row for row in clauses(book, root) for name in row.ids}


@each_book
def test_the_page_of_clauses_is_current(book: Book) -> None:
    assert (ROOT / book.readme).read_text() == page(book), "run: make clauses"


@each_book
def test_every_clause_is_listed_once_and_told(book: Book) -> None:
    ids = [one for clause in listed(book) for one in clause.ids]

    assert len(ids) == len(set(ids))
    assert len(ids) > 300
    assert all(clause.what and "|" not in clause.what for clause in listed(book))


@each_book
def test_every_clause_that_a_test_cites_is_listed(book: Book) -> None:
    known = {one for clause in listed(book) for one in clause.ids}
    strange = [
        (place, clause)
        for place, text in marked(book)
        for clause in book.names(text)
        if clause not in known and not clause.startswith("section")
    ]

    assert strange == []


def test_every_marker_of_2030_5_names_a_clause_that_can_be_looked_up() -> None:
    vague = [(place, text) for place, text in marked(SEP2) if not named(text)]

    assert vague == []


@each_book
def test_what_is_left_out_or_waited_for_is_listed_and_no_test_claims_it(book: Book) -> None:
    known = {clause.ids[0] for clause in listed(book)}
    awaited = [one for pending in book.pending() for one in pending.ids]
    claimed = [row.name for row in clauses(book) if (row.reason or row.waits) and row.tests]

    assert set(book.left_out()) <= known
    assert set(awaited) <= known
    assert len(awaited) == len(set(awaited)), "one thing is waited for twice"
    assert not set(awaited) & set(book.left_out())
    assert claimed == [], "it is there: take it out of unsupported.txt or notyet.txt"
    assert all(pending.reason for pending in book.pending())


def test_a_clause_waits_only_for_what_is_named_not_for_what_it_is_part_of() -> None:
    waiting = {row.name for row in clauses(SEP2) if row.waits}

    assert "CSIP BASIC-004" in waiting
    assert not {"10.2.3.3", "10.2.2.3", "8.9"} & waiting


def test_the_procedures_of_csip_are_all_there() -> None:
    ids = [clause.name for clause in listed(SEP2)]

    assert sum(bool(re.fullmatch(r"CSIP [A-Z]+-\d{3}[A-G]?", name)) for name in ids) == 79
    server = [name for name in ids if name.startswith("CSIP-AUS S-ALL-")]
    assert server == [f"CSIP-AUS S-ALL-{n:02}" for n in range(1, 58) if n != 54]


@each_book
def test_the_page_shows_every_clause(book: Book) -> None:
    text = page(book)

    assert all(clause.name in text for clause in listed(book))
    assert sum(counts(clauses(book)).values()) == len(clauses(book))


@pytest.mark.parametrize(
    ("book", "marker"),
    [(OADR2B, "OpenADR 2.0b rule 12"), (SEP2, "CSIP BASIC-017")],
    ids=["oadr2b", "sep2"],
)
def test_a_new_marker_makes_its_page_stale_and_no_other(
    tmp_path: Path, book: Book, marker: str
) -> None:
    bare = marking(tmp_path / "bare", "RFC 2119")
    more = marking(tmp_path / "more", marker)
    changed = [one for one in BOOKS if page(one, bare) != page(one, more)]

    assert changed == [book]


def test_every_argument_of_a_marker_counts(tmp_path: Path) -> None:
    found = rows(SEP2, marking(tmp_path, "IEEE 2030.5-2018 6.7", "CSIP COMM-003"))

    assert found["6.7"].status == found["CSIP COMM-003"].status == "tested"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OpenADR 2.0b rule 12", {"rule 12"}),
        ("rules 2, 8 and 100-103", {f"rule {n}" for n in (2, 8, 100, 101, 102, 103)}),
        ("rules 16, 17, and 206", {"rule 16", "rule 17", "rule 206"}),
        ("section 9.1.9.4", {"section 9.1", "section 9.1.9", "section 9.1.9.4"}),
        ("A_E2_0530 and E1_1030", {"case A_E2_0530", "case E1_1030"}),
        ("case CFX2B-EVT-14, Table 1", {"case CFX2B-EVT-14", "Table 1"}),
        ("rule 043 of the catalogue", {"general 043"}),
        ("rule 1-900 is too wide", set()),
        ("the ruler 12", set()),
    ],
)
def test_clauses_of_2_0b_are_read_from_text(text: str, expected: set[str]) -> None:
    assert cited_2b(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IEEE 2030.5-2018 10.2.3.3 rule l", {"10.2.3.3 rule l"}),
        (
            "IEEE 2030.5-2018 10.2.3.3 rules c, l and s; 2023 10.2.2.3 rules j, p",
            {*(f"10.2.3.3 rule {one}" for one in "cls"), "10.2.2.3 rule j", "10.2.2.3 rule p"},
        ),
        ("IEEE 2030.5-2018 clauses 6.3.2 to 6.3.5", {"6.3.2", "6.3.3", "6.3.4", "6.3.5"}),
        (
            "IEEE 2030.5-2018 clauses 4.6.2 (paging), 8.5.3;\n2023 10.10",
            {"4.6.2", "8.5.3", "10.10"},
        ),
        ("2030.5-2018 8.9, 2030.5-2018 Subscription", {"8.9", "type Subscription"}),
        ("IEEE 2030.5-2018 10.2.3.3 f", {"10.2.3.3 rule f"}),
        (
            "clause 10.2.3.3 c, f; 2023 clause 10.2.2.3 p; 10.2 a thing",
            {"10.2.3.3 rule c", "10.2.3.3 rule f", "10.2.2.3 rule p"},
        ),
        ("moved (clause 5.5.2.7)", {"5.5.2.7"}),
        ("IEEE 2030.5-2018 Table 27, -2023 Table 31", {"Table 27", "Table 31"}),
        ("IEEE 2030.5-2018 Table 27, 2023 Table 31", {"Table 27", "Table 31"}),
        ("IEEE 2030.5-2018 Annex C.4-C.6", {"Annex C"}),
        ("IEEE 2030.5-2018 PerCent", {"type PerCent"}),
        ("IEEE 2030.5-2023 schemaVer", {"schemaVer"}),
        ("IEEE 2030.5-2018 events: user's choice", {"events: user's choice"}),
        ("CSIP BASIC-024..026", {f"CSIP BASIC-0{n}" for n in (24, 25, 26)}),
        ("CSIP COMM-004A..C, COMM-004G", {f"CSIP COMM-004{one}" for one in "ABCG"}),
        ("CSIP-AUS ALL-03-REJ, ALL-18", {"CSIP-AUS ALL-03-REJ", "CSIP-AUS ALL-18"}),
        ("CSIP-AUS S-ALL-01..02", {"CSIP-AUS S-ALL-01", "CSIP-AUS S-ALL-02"}),
        ("CSIP-AUS storage beta", {"CSIP-AUS storage beta"}),
        ("CSIP Implementation Guide v2.1 section 5.2", {"Guide 5.2"}),
        ("CSIP-AUS", set()),
        ("P-256 and P-384, SHA-256, TLS 1.2, compute-flex B.5", set()),
    ],
)
def test_clauses_of_2030_5_are_read_from_text(text: str, expected: set[str]) -> None:
    assert named(text) == expected


def test_a_numbered_clause_counts_for_those_it_is_part_of() -> None:
    assert cited_sep2("IEEE 2030.5-2018 10.2.3.3 rule l") == {
        *("10.2", "10.2.3", "10.2.3.3", "10.2.3.3 rule l")
    }
    assert cited_sep2("IEEE 2030.5-2018 6.3.5") == {"6.3", "6.3.5"}


def test_a_clause_without_test_or_file_says_so(tmp_path: Path) -> None:
    root = marking(tmp_path, "OpenADR 2.0b rule 12, E1_1030", code="Spec: rule 15.")
    status = rows(OADR2B, root)

    assert status["rule 12"].status == "tested"
    assert status["case E1_1030"].tests == ("tests/test_a.py::test_x",)
    assert status["rule 15"].files == ("gateway/protocols/oadr2b/a.py",)
    assert status["rule 15"].status == "open"
    assert status["rule 9"].status == "open"


def test_what_is_waited_for_says_for_what_and_the_page_says_why(tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    (tmp_path / "book/clauses.txt").write_text("# Chapter\n6.3|one\n6.7|two\n9.9|three\n")
    (tmp_path / "book/notyet.txt").write_text("moon|it is far|2030.5-2018 6.7\n")
    (tmp_path / "book/unsupported.txt").write_text("9.9|nobody asks\n")
    book = replace(SEP2, at=tmp_path / "book")

    status = rows(book, marking(tmp_path / "root", "IEEE 2030.5-2018 6.3"))
    text = page(book, tmp_path / "root")

    assert [status[one].status for one in ("6.3", "6.7", "9.9")] == [
        *("tested", "not yet: moon", "not supported: nobody asks")
    ]
    assert "### Chapter\n\n3 rows: 1 tested, 0 open, 1 not yet, 1 not supported." in text
    assert "* **moon**: it is far." in text
