"""The data of the 2030.5 plans: wrong clients fit the source, and everything that a case names is there."""

import pytest

from conformance.engine.applies import compiled
from conformance.engine.catalogue import catalogue, profile_of, role_of
from conformance.engine.data import FOLDER, load
from conformance.engine.pics import Pics, contradictions, proforma
from conformance.engine.requirements import requirements
from conformance.engine.traceability import missing
from conformance.engine.wrong_devices import mutants
from conformance.kit.case import Maturity

ROLES = ("cli", "srv")
GROWING = ("srv",)
"""Roles whose wrong devices are still being made."""
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
    assert role in GROWING or found.maturity is not Maturity.STABLE or found.mutants
    compiled(found.applies_if, proforma("sep2", role).by_id.__contains__)


def test_every_binding_requirement_is_verified() -> None:
    assert missing("sep2", CASES) == []


@pytest.mark.parametrize("role", ROLES)
def test_the_reference_statement_contradicts_nothing(role: str) -> None:
    pics = load(FOLDER / "sep2" / "reference" / f"{role}.pics.yaml", Pics)

    assert contradictions(pics, proforma("sep2", role)) == []
