"""The page of clauses is what the tests' markers and the modules say, and every citation is of a listed clause."""

from pathlib import Path

import pytest

from conformance.coverage2b.citing import cited
from conformance.coverage2b.table import README, ROOT, clauses, left_out, listed, marked, page


def test_the_page_of_clauses_is_current() -> None:
    assert (ROOT / README).read_text() == page(), "run: make clauses"


def test_every_clause_is_listed_once() -> None:
    ids = [one for clause in listed() for one in clause.ids]

    assert len(ids) == len(set(ids))
    assert len(ids) > 350


def test_every_clause_that_a_test_cites_is_listed() -> None:
    known = {one for clause in listed() for one in clause.ids}
    strange = [
        (place, clause)
        for place, text in marked()
        for clause in cited(text)
        if clause not in known and not clause.startswith("section")
    ]

    assert strange == []


def test_what_is_left_out_is_a_clause_of_the_list_and_no_test_claims_it() -> None:
    known = {clause.ids[0] for clause in listed()}
    claimed = [row.name for row in clauses() if row.reason and row.tests]

    assert set(left_out()) <= known
    assert claimed == []


def test_a_new_marker_makes_the_page_stale(tmp_path: Path) -> None:
    for folder in ("tests", "gateway/protocols/oadr2b"):
        (tmp_path / folder).mkdir(parents=True)
    before = page(tmp_path)

    marker = (
        'import pytest\n\n@pytest.mark.spec("OpenADR 2.0b rule 12")\ndef test_x() -> None: ...\n'
    )
    (tmp_path / "tests/test_a.py").write_text(marker)

    assert page(tmp_path) != before


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
def test_clauses_are_read_from_text(text: str, expected: set[str]) -> None:
    assert cited(text) == expected


def test_a_clause_without_test_or_file_says_so(tmp_path: Path) -> None:
    for folder in ("tests", "gateway/protocols/oadr2b"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "gateway/protocols/oadr2b/a.py").write_text('"""Spec: rule 15."""\n')
    (tmp_path / "tests/test_a.py").write_text(
        'import pytest\n\n@pytest.mark.spec("OpenADR 2.0b rule 12, E1_1030")\ndef test_x() -> None: ...\n'
    )

    status = {name: row for row in clauses(tmp_path) for name in row.ids}

    assert status["rule 12"].status == "tested"
    assert status["case E1_1030"].tests == ("tests/test_a.py::test_x",)
    assert status["rule 15"].status == "open"
    assert status["rule 9"].status == "open"
