"""The data of the 2030.5 plans: wrong clients fit the source, and everything that a case names is there."""

import pytest

from conformance.engine.applies import compiled
from conformance.engine.catalogue import catalogue, profile_of, role_of
from conformance.engine.data import FOLDER, load
from conformance.engine.pics import Pics, contradictions, proforma
from conformance.engine.plans import Plan, drafts
from conformance.engine.requirements import requirements
from conformance.engine.traceability import missing
from conformance.engine.wrong_devices import mutants
from conformance.kit.case import Maturity

ROLES = ("cli", "srv")
CASES = [case for case in catalogue().values() if profile_of(case) == "sep2"]


@pytest.mark.parametrize("role", ROLES)
def test_every_wrong_device_fits_the_source(role: str) -> None:
    for mutant in mutants("sep2", role):
        assert mutant.sources(), mutant.id


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.id))
def test_what_a_case_names_is_there(case: object) -> None:
    assert case in CASES
    found = next(one for one in CASES if one is case)
    role = role_of(found)
    known, wrong = requirements("sep2"), {m.id: m for m in mutants("sep2", role)}

    assert [name for name in found.requirements if name not in known] == []
    assert [name for name in found.mutants if found.id not in wrong[name].cases] == []
    declared = {name.partition("@")[0] for m in wrong.values() for name in m.cases}
    assert found.maturity is not Maturity.STABLE or found.id in declared
    compiled(found.applies_if, proforma("sep2", role).by_id.__contains__)


@pytest.mark.parametrize(
    "plan",
    [plan for plan in drafts() if (plan.profile, plan.role) == ("sep2", "cli")],
    ids=lambda plan: str(plan.id),
)
def test_every_stable_case_of_a_plan_has_a_wrong_client_that_is_tried_there(plan: Plan) -> None:
    declared = {name for m in mutants(plan.profile, plan.role, plan.mode) for name in m.cases}
    stable = {case.id for case in plan.cases if case.maturity is Maturity.STABLE}

    assert stable
    assert stable - declared == set()


def test_no_two_wrong_clients_are_wrong_in_the_same_lines() -> None:
    found = [(m.id, m.changes) for m in mutants("sep2", "cli")]

    assert [a for a, one in found for b, other in found if a < b and one == other] == []


def test_every_binding_requirement_is_verified() -> None:
    assert missing("sep2", CASES) == []


@pytest.mark.parametrize("role", ROLES)
def test_the_reference_statement_contradicts_nothing(role: str) -> None:
    pics = load(FOLDER / "sep2" / "reference" / f"{role}.pics.yaml", Pics)

    assert contradictions(pics, proforma("sep2", role)) == []
