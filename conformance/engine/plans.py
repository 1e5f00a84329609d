"""Plans: which cases make up a profile, in which mode; a frozen one never changes."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from conformance.engine.catalogue import catalogue, profile_of, role_of
from conformance.engine.data import FOLDER, Model, load
from conformance.engine.errors import SuiteError
from conformance.engine.fingerprints import case_digest, kit_digest
from conformance.engine.requirements import requirements
from conformance.kit.case import Case, Maturity


class Document(Model):
    """A document that a plan judges by."""

    name: str
    edition: str
    errata: str = ""


class Test(Model):
    """One case of a frozen plan."""

    id: str
    version: int
    sha256: str = ""
    """Of what the case did when the plan was frozen; empty: of a draft."""


class Plan(Model):
    """A plan as its file says it."""

    id: str
    version: int
    title: str
    profile: str
    role: Literal["ven", "vtn", "cli", "srv"]
    mode: Literal["pull", "push", "der", "aggregator", "csip", "csipaus"]
    """How it takes part: by poll or push; with one EndDevice, for many; a server, or either side with CSIP-AUS."""
    spec_documents: tuple[Document, ...]
    tests: tuple[Test, ...] | Literal["all"]
    """``all``: every case of profile, role and mode; only a plan that is not frozen may say so."""
    mandatory: tuple[str, ...] | Literal["stable"] = "stable"
    """Ids whose SKIP or INCONCLUSIVE makes a device not certifiable; ``stable``: all stable ones."""
    frozen: str = ""
    """Day of freezing; empty: a draft."""
    kit_sha256: str = ""
    """Of the code that judged when it was frozen; empty: of a draft."""
    sha256: str = ""

    def digest(self) -> str:
        """Return the SHA-256 over everything but itself."""
        fields = self.model_dump(mode="json", exclude={"sha256"})
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def cases(self) -> tuple[Case, ...]:
        """Return the cases in the order in which they are played.

        Raises:
            SuiteError: a frozen plan names one that is not there, or is there in another version.
        """
        known = catalogue()
        if self.tests == "all":
            return tuple(c for c in known.values() if self._fits(c))
        found = []
        for test in self.tests:
            case = known.get(test.id)
            if case is None or case.version != test.version:
                have = "is not here" if case is None else f"has version {case.version} here"
                raise SuiteError(f"plan {self.id}: {test.id} version {test.version} {have}")
            found.append(case)
        return tuple(found)

    def _fits(self, case: Case) -> bool:
        mine = (profile_of(case), role_of(case)) == (self.profile, self.role)
        return mine and self.mode in case.modes

    def is_mandatory(self, case: Case) -> bool:
        """Say whether a case must be judged for a device to be certifiable."""
        if self.mandatory == "stable":
            return case.maturity is Maturity.STABLE
        return case.id in self.mandatory


def plan_files() -> Sequence[Path]:
    """Return the bundled plans."""
    return sorted(FOLDER.glob("*/plans/*.yaml"))


def drafts() -> Sequence[Plan]:
    """Return the bundled plans that are not frozen: one per profile, role and mode."""
    found = (load(path, Plan) for path in plan_files())
    return [plan for plan in found if not plan.frozen]


def find_plan(name: str) -> Plan:
    """Return a plan by its id, or from a file.

    Raises:
        SuiteError: there is none, or it was changed after it was frozen.
    """
    paths = [path for path in plan_files() if path.stem == name]
    path = paths[0] if paths else Path(name)
    if not path.is_file():
        known = ", ".join(p.stem for p in plan_files())
        raise SuiteError(f"there is no plan {name}; there are {known}")
    plan = load(path, Plan)
    if plan.frozen and (plan.tests == "all" or plan.sha256 != plan.digest()):
        raise SuiteError(f"{path}: this plan was changed after it was frozen on {plan.frozen}")
    if altered := changed(plan):
        raise SuiteError(
            f"{path}: {', '.join(altered[:3])} (of {len(altered)}) do not do what they did when it was frozen; raise "
            "their version and freeze a new plan"
        )
    return plan


def changed(plan: Plan) -> list[str]:
    """Return the cases of a frozen plan that do not do any more what they did, though they have the same version."""
    known = catalogue()
    rows = () if plan.tests == "all" else plan.tests
    return [
        test.id
        for test in rows
        if test.sha256
        and test.id in known
        and known[test.id].version == test.version
        and case_digest(known[test.id]) != test.sha256
    ]


def named(plan: Plan) -> Plan:
    """Return a plan with its cases and their versions by name, so that a run of today is judged by them alone."""
    if plan.tests != "all":
        return plan
    tests = tuple(Test(id=case.id, version=case.version) for case in plan.cases)
    return plan.model_copy(update={"tests": tests})


def frozen(plan: Plan, name: str, day: str) -> Plan:
    """Return a plan's frozen version: the cases and versions of today by name, with the digest of it all.

    Args:
        plan: A draft, or an earlier frozen one.
        name: Id of the frozen plan.
        day: ISO date.
    """
    mandatory = tuple(case.id for case in plan.cases if plan.is_mandatory(case))
    tests = tuple(
        Test(id=case.id, version=case.version, sha256=case_digest(case)) for case in plan.cases
    )
    fixed = {
        "id": name,
        "tests": tests,
        "mandatory": mandatory,
        "frozen": day,
        "sha256": "",
        "kit_sha256": kit_digest(plan.profile),
    }
    made = plan.model_copy(update=fixed)
    return made.model_copy(update={"sha256": made.digest()})


def chosen(plan: Plan, only: Sequence[str]) -> tuple[Case, ...]:
    """Return the cases that ``--only`` leaves: by id, clause (``oadr20b/9.1.5``), requirement or area.

    Raises:
        SuiteError: a word fits none.
    """
    cases = plan.cases
    if not only:
        return cases
    kept: set[str] = set()
    for word in only:
        fitting = {c.id for c in cases if _is_meant(c, word, plan.profile)}
        if not fitting:
            raise SuiteError(f"--only {word}: no case of plan {plan.id} fits")
        kept |= fitting
    return tuple(c for c in cases if c.id in kept)


def _is_meant(case: Case, word: str, profile: str) -> bool:
    if word in (case.id, case.area, *case.requirements, *case.public):
        return True
    known = requirements(profile)
    clauses = [known[r].clause for r in case.requirements if r in known]
    return any(c == word or c.startswith((f"{word}/", f"{word}.")) for c in clauses)
