"""The suite's data: expressions, PICS, plans and strict YAML."""

import json
from pathlib import Path

import pytest

from conformance.engine.applies import compiled
from conformance.engine.data import FOLDER, load, read_yaml
from conformance.engine.errors import SuiteError
from conformance.engine.pics import Pics, checked, contradictions, proforma, template
from conformance.engine.plans import Plan, chosen, find_plan, frozen

GIVEN = {"A": (), "B-1": ("x", "y"), "C": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("A", True),
        ("C", False),
        ("not C", True),
        ("A and C or B-1", True),
        ("A and (C or not A)", False),
        ("B-1 = x", True),
        ("B-1 = z", False),
        ("not (A and B-1 = y)", False),
    ],
)
def test_an_expression_holds_or_not(text: str, expected: bool) -> None:
    assert compiled(text)(GIVEN) is expected


@pytest.mark.parametrize(
    "text", ["A and", "(A", "A B", "and A", "A & C", "not", "A = ", "(" * 40 + "A"]
)
def test_an_expression_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(SuiteError):
        compiled(text)


def test_an_unknown_item_is_refused() -> None:
    with pytest.raises(SuiteError, match="no item Z"):
        compiled("A and Z", {"A"}.__contains__)


def test_yaml_has_the_types_of_json_and_no_key_twice(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: yes\nb: 2026-05-04\nc: 3\n")
    assert read_yaml(path) == {"a": "yes", "b": "2026-05-04", "c": 3}

    path.write_text("a: 1\na: 2\n")
    with pytest.raises(SuiteError, match="stands twice"):
        read_yaml(path)


def reference() -> Pics:
    return load(FOLDER / "oadr20b" / "reference" / "ven.pics.yaml", Pics)


def test_the_reference_statement_contradicts_nothing() -> None:
    assert contradictions(reference(), proforma("oadr20b", "ven")) == []


def test_a_mandatory_item_answered_no_stops_the_run() -> None:
    items = dict(reference().items)
    items["VEN-EVT"] = items["VEN-EVT"].model_copy(update={"support": "no"})
    items["STRANGE"] = items["VEN-PULL"]

    with pytest.raises(SuiteError, match="VEN-EVT: mandatory") as caught:
        checked(reference().model_copy(update={"items": items}))

    assert "STRANGE: there is no such item" in str(caught.value)


def test_a_template_is_a_statement_once_it_is_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "pics.yaml"
    blank = template(proforma("oadr20b", "ven"))
    path.write_text(blank)
    with pytest.raises(SuiteError, match="vendor: not filled in; product: not filled in"):
        checked(load(path, Pics))

    path.write_text(blank.replace('vendor: ""', "vendor: A").replace('product: ""', "product: B"))
    assert checked(load(path, Pics)).role == "ven"


def test_a_frozen_plan_cannot_be_changed(tmp_path: Path) -> None:
    fixed = frozen(find_plan("oadr20b-ven-pull"), "fixed", "2026-11-21")
    path = tmp_path / "fixed.json"
    path.write_text(fixed.model_dump_json())
    assert find_plan(str(path)).cases == find_plan("oadr20b-ven-pull").cases

    fields = json.loads(fixed.model_dump_json())
    fewer = fields["tests"][1:]
    for changed in ({"tests": fewer}, {"tests": "all"}, {"mode": "push"}, {"frozen": "2026-01-01"}):
        path.write_text(json.dumps(fields | changed))
        with pytest.raises(SuiteError, match="changed after it was frozen"):
            find_plan(str(path))


def test_a_frozen_plan_names_the_version_of_every_case() -> None:
    fixed = frozen(find_plan("oadr20b-ven-pull"), "fixed", "2026-11-21")
    other = [{"id": "OADR20B-VEN-EVT-020", "version": 99}]
    raised = Plan.model_validate({**fixed.model_dump(), "tests": other})

    with pytest.raises(SuiteError, match="version 99"):
        _ = raised.cases


def test_cases_are_chosen_by_id_area_requirement_clause_and_public_id() -> None:
    plan = find_plan("oadr20b-ven-pull")

    def ids(word: str) -> set[str]:
        return {case.id for case in chosen(plan, (word,))}

    assert ids("OADR20B-VEN-EVT-020") == {"OADR20B-VEN-EVT-020"}
    assert ids("E1_1020") == {"OADR20B-VEN-EVT-020"}
    assert "OADR20B-VEN-EVT-086" in ids("oadr20b/r12")
    assert "OADR20B-VEN-EVT-020" in ids("REQ-OADR20B-R42-1")
    assert ids("EVT") == {case.id for case in plan.cases if case.area == "EVT"}
    assert ids("oadr20b/r42") >= ids("REQ-OADR20B-R42-1")
    with pytest.raises(SuiteError, match="no case"):
        chosen(plan, ("oadr20b/r9999",))
