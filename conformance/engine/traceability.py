"""Which requirement is verified by which case: covered, inspect only, untestable, missing."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from conformance.engine.plans import Plan
from conformance.engine.requirements import Binding, Requirement, requirements
from conformance.kit.case import Case


class Covered(StrEnum):
    """What is done about a requirement."""

    YES = "covered"
    INSPECT = "inspect only"
    UNTESTABLE = "untestable"
    MISSING = "missing"


def traced(profile: str, cases: Sequence[Case]) -> Mapping[str, tuple[Covered, tuple[str, ...]]]:
    """Return for each requirement what is done about it and by which cases; a general rule is met in every case."""
    by: dict[str, list[str]] = {}
    for case in cases:
        for name in case.requirements:
            by.setdefault(name, []).append(case.id)
    return {
        name: (_covered(one, by.get(name, ())), tuple(by.get(name, ())))
        for name, one in requirements(profile).items()
    }


def _covered(requirement: Requirement, cases: Sequence[str]) -> Covered:
    if cases or requirement.id.startswith("RULE-"):
        return Covered.YES
    if requirement.testability == "inspect":
        return Covered.INSPECT
    if requirement.testability.startswith("untestable"):
        return Covered.UNTESTABLE
    return Covered.MISSING


def missing(profile: str, cases: Sequence[Case]) -> list[str]:
    """Return the requirements that are binding and testable and that no case verifies."""
    known = requirements(profile)
    return [
        name
        for name, (covered, _) in traced(profile, cases).items()
        if covered is Covered.MISSING and known[name].level is Binding.MUST
    ]


def coverage(plan: Plan) -> list[str]:
    """Return the table of a plan as lines."""
    rows = traced(plan.profile, plan.cases)
    counts = {word: sum(1 for c, _ in rows.values() if c is word) for word in Covered}
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return [f"requirements of {plan.profile}: {told}"]
