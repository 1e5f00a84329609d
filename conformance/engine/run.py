"""One run of a plan: played case by case into a directory of evidence, judged from it, reported."""

import asyncio
import json
import platform
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from conformance.engine import identities_by_role as tls
from conformance.engine.applies import compiled
from conformance.engine.clocks import Time
from conformance.engine.data import FOLDER, load
from conformance.engine.drivers.choose import hands_for
from conformance.engine.drivers.entry import REAL_TIME, Factory, load_factory
from conformance.engine.errors import SuiteError
from conformance.engine.facts import facts_of
from conformance.engine.fingerprints import kit_digest
from conformance.engine.history import attempts
from conformance.engine.identities import PLAIN, Identities
from conformance.engine.ixit import Ixit, Tls
from conformance.engine.judging import (
    VERDICTS,
    Judged,
    Verdicts,
    judge_case,
    judge_run,
    written,
)
from conformance.engine.pics import Pics, checked, proforma
from conformance.engine.plans import Plan, chosen, find_plan, named
from conformance.engine.play import play
from conformance.engine.profiles import PROFILES
from conformance.engine.record import HISTORY
from conformance.engine.runfile import RUN, Environment, RunFile
from conformance.engine.sealed import MANIFEST
from conformance.engine.setting import Carried, Setting
from conformance.engine.stage import Tell
from conformance.engine.tape import Archive
from conformance.kit.case import Case
from conformance.kit.verdict import Verdict
from conformance.peers.script2b.door import Address
from gateway.app.ids import SeededChance
from gateway.client.clock import SystemClock
from gateway.domain.timespan import instant_text

_MANY: Final = 1 << 62
_EDITABLE: Final = "editable"
"""Mark of a development build, which certifies nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a user asks for."""

    plan: str
    pics: Path | None = None
    ixit: Path | None = None
    only: tuple[str, ...] = ()
    seed: int = 1
    shuffle: int | None = None
    """Seed of the order of the cases; None: that of the plan."""
    time: str = ""
    """Empty: virtual for the bundled device, real otherwise."""
    strict: bool = False
    certify: bool = False
    fail_fast: bool = False
    jobs: int = 1
    """Cases side by side, each with a device of its own."""
    out: Path | None = None
    key: Path | None = None
    """Of the laboratory, that seals; None: one made for the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who is told how the run goes."""

    begun: Callable[[Case, int, int], None] = lambda _, __, ___: None
    """Case, its place, how many."""
    ended: Callable[[Judged, float], None] = lambda _, __: None
    """Verdict and real seconds."""
    tell: Tell = lambda _, __: None


@dataclass
class Prepared:
    """A run that may begin: every file was read and nothing contradicts."""

    file: RunFile
    cases: tuple[Case, ...]
    ixit: Ixit
    ixit_folder: Path
    factory: Factory | None = None
    jobs: int = 1
    listener: Listener = field(default_factory=Listener)

    @property
    def playable(self) -> list[Case]:
        """Return the cases that will be played, in the order of the run."""
        found = [case for case in self.cases if case.id not in self.file.skips]
        if self.file.shuffle is not None:
            chance = SeededChance(self.file.shuffle, "order of cases")
            found.sort(key=lambda case: (chance.randint(0, _MANY), case.id))
        return found


def prepare(order: Order, factory: Factory | None = None, *, release: str = "") -> Prepared:
    """Read plan, PICS and IXIT and decide what is played.

    Args:
        order: What is asked for.
        factory: A device in this process, in the place of the IXIT's.
        release: Of the suite; empty: that which is installed.

    Raises:
        SuiteError: something is missing, contradicts itself or is not allowed with ``certify``.
    """
    plan = find_plan(order.plan)
    bundled = FOLDER / plan.profile / "reference"
    pics_path = order.pics or bundled / f"{plan.role}.pics.yaml"
    ixit_path = order.ixit or bundled / f"{plan.role}.ixit.yaml"
    pics = checked(load(pics_path, Pics))
    if (pics.profile, pics.role) != (plan.profile, plan.role):
        raise SuiteError(f"{pics_path}: it is for {pics.profile} {pics.role}, not for {plan.id}")
    ixit = load(ixit_path, Ixit)
    made = factory or (load_factory(ixit.driver.entry) if ixit.driver.kind == "python" else None)
    inside = made is not None and not getattr(made, REAL_TIME, False)
    time = Time.parse(order.time or ("virtual" if inside else "real"))
    suite = release or installed()
    _allowed(order, plan, time, suite, in_process=inside)
    _side_by_side(order, ixit, time, made)
    cases = plan.cases
    kept = {case.id for case in chosen(plan, order.only)}
    skips = {case.id: why for case in cases if (why := _skip(case, kept, pics, time))}
    file = RunFile(
        plan=named(plan),
        seed=order.seed,
        time=time.mode,
        strict=order.strict,
        certify=order.certify,
        only=order.only,
        shuffle=order.shuffle,
        started=instant_text(SystemClock().now()),
        pics=pics,
        ixit=ixit.shown(),
        skips=skips,
        environment=_environment(suite, plan.profile),
    )
    return Prepared(
        file=file,
        cases=cases,
        ixit=ixit,
        ixit_folder=ixit_path.parent,
        factory=made,
        jobs=order.jobs,
    )


def installed() -> str:
    """Return the version of the suite; one that runs from a working tree says so."""
    found = distribution("gridgate")
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    editable = origin.get("dir_info", {}).get("editable", False)
    return f"{found.version}+{_EDITABLE}" if editable else found.version


def _environment(suite: str, profile: str) -> Environment:
    return Environment(
        suite=suite,
        python=platform.python_version(),
        system=platform.system(),
        schemas_sha256=PROFILES[profile].schemas(),
        kit_sha256=kit_digest(profile),
    )


def reference_ixit(plan: Plan) -> Ixit:
    """Return the IXIT of the bundled device that a plan is for."""
    return load(FOLDER / plan.profile / "reference" / f"{plan.role}.ixit.yaml", Ixit)


def _allowed(order: Order, plan: Plan, time: Time, suite: str, *, in_process: bool) -> None:
    if time.is_virtual and not in_process:
        raise SuiteError("virtual time needs a device in this process (IXIT driver kind: python)")
    if not order.certify:
        return
    faults = {
        "a frozen plan": not plan.frozen,
        "real time": time.mode != "real",
        "every case (no --only)": bool(order.only),
        "a PICS and an IXIT of the device": order.pics is None or order.ixit is None,
        "the laboratory's key (--key)": order.key is None,
        "a released suite, no development build": not _released(suite),
        "a device of its own (IXIT driver kind other than python)": in_process,
    }
    missing = [what for what, wrong in faults.items() if wrong]
    if missing:
        raise SuiteError(f"--certify demands {', '.join(missing)}")


def _side_by_side(order: Order, ixit: Ixit, time: Time, made: Factory | None) -> None:
    if order.jobs > 1 and (made is None or time.is_virtual or ixit.listen_port):
        raise SuiteError(
            "--jobs: only devices that the suite starts itself (IXIT driver kind: python, listen_port: 0) "
            "can be judged side by side, and not in virtual time"
        )


def _released(text: str) -> bool:
    """Say whether a version is one of a release."""
    return all(part.isdigit() for part in text.split("."))


def _skip(case: Case, kept: set[str], pics: Pics, time: Time) -> str:
    if case.id not in kept:
        return "deselected by --only"
    known = proforma(pics.profile, pics.role).by_id
    if not compiled(case.applies_if, known.__contains__)(pics.support):
        return f"not claimed in the PICS: {case.applies_if}"
    if case.timing.real_only and time.mode != "real":
        return f"can only be judged in real time, not {time.mode}"
    if case.timing.virtual_only and not time.is_virtual:
        return f"can only be judged in virtual time, not {time.mode}"
    return ""


def write_run(folder: Path, file: RunFile) -> None:
    """Write ``run.json``."""
    text = json.dumps(file.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
    (folder / RUN).write_text(text + "\n")


async def run(prepared: Prepared, folder: Path, *, fail_fast: bool = False) -> Verdicts:
    """Play what is left to play and judge it all.

    A directory with an unfinished run of the same order is gone on with: ended cases are not played again.
    """
    done = begin(folder, prepared)
    archive = Archive(folder, prepared.ixit.secrets, durable=prepared.file.time != "virtual")
    file = prepared.file
    known: dict[str, Judged] = {}

    def judge(case: Case, since: int) -> Judged:
        known[case.id] = judge_case(
            folder, file.plan, case, since, strict=file.strict, poll_s=file.ixit.poll_s
        )
        return known[case.id]

    try:
        await _play_all(
            prepared, _setting(prepared, archive), archive, judge, done, fail_fast=fail_fast
        )
    finally:
        archive.close()
    verdicts = judge_run(
        folder,
        file.plan,
        prepared.cases,
        file.skips,
        strict=file.strict,
        poll_s=file.ixit.poll_s,
        known=known,
    )
    (folder / VERDICTS).write_bytes(written(verdicts))
    return verdicts


def begin(folder: Path, prepared: Prepared) -> Set[str]:
    """Make the directory, or find out which cases were played in it.

    Raises:
        SuiteError: another run lies there, or one that is sealed.
    """
    if (folder / RUN).exists():
        return _done(folder, prepared)
    folder.mkdir(parents=True, exist_ok=True)
    write_run(folder, prepared.file)
    return frozenset()


def _done(folder: Path, prepared: Prepared) -> Set[str]:
    if (folder / MANIFEST).exists():
        raise SuiteError(f"{folder}: the run that lies there is finished and sealed")
    before = load(folder / RUN, RunFile)
    same = ("plan", "seed", "shuffle", "time", "strict", "only", "pics", "ixit", "skips")
    differing = [name for name in same if getattr(before, name) != getattr(prepared.file, name)]
    if differing:
        raise SuiteError(f"{folder}: a run with another {', '.join(differing)} lies there")
    if not (folder / HISTORY).exists():
        return frozenset()  # it was broken off before the first byte
    found = attempts(
        folder, before.plan.mode, {c.id: facts_of(c, before.ixit.poll_s) for c in prepared.cases}
    )
    return {name for name, attempt in found.items() if attempt.ended}


def _setting(prepared: Prepared, archive: Archive) -> Setting:
    file, ixit = prepared.file, prepared.ixit
    return Setting(
        archive=archive,
        identities=_identities(ixit, prepared.ixit_folder, file.plan.role),
        role=file.plan.role,
        mode=file.plan.mode,
        seed=file.seed,
        values=ixit.for_cases(),
        clock=Time.parse(file.time).maker(),
        factory=prepared.factory,
        hands=hands_for(ixit),
        address=Address(host=ixit.listen_host, port=ixit.listen_port, name=ixit.host_name),
        poll_s=ixit.poll_s,
        tell=prepared.listener.tell,
        watch_every=Time.parse(file.time).watch_every,
    )


def _identities(ixit: Ixit, folder: Path, role: str) -> Identities:
    if ixit.tls == "plain":
        return PLAIN
    if isinstance(ixit.tls, Tls):
        named = ixit.tls
        paths = [folder / text for text in (named.certificate, named.key, named.ca)]
        return tls.read_for(role, paths[0], paths[1], paths[2], named.profile)
    return tls.made_for(SystemClock().now(), role)


async def _play_all(
    prepared: Prepared,
    setting: Setting,
    archive: Archive,
    judge: Callable[[Case, int], Judged],
    done: Set[str],
    *,
    fail_fast: bool,
) -> None:
    carried = Carried()
    real = SystemClock()
    left = [case for case in prepared.playable if case.id not in done]
    if prepared.jobs > 1:
        left.sort(key=lambda case: case.timing.lasts, reverse=True)  # no worker ends alone with it
    queue = iter(enumerate(left, 1))
    failed = False

    async def work() -> None:
        nonlocal failed
        for place, case in queue:
            prepared.listener.begun(case, place, len(left))
            began, since = real.elapsed_s(), archive.size
            await play(case, setting, carried)
            row = judge(case, since)
            prepared.listener.ended(row, real.elapsed_s() - began)
            failed |= row.verdict in (Verdict.FAIL, Verdict.ERROR)
            if fail_fast and failed:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(prepared.jobs):
            group.create_task(work())


def play_run(prepared: Prepared, folder: Path, *, fail_fast: bool = False) -> Verdicts:
    """Run on an event loop of its own."""
    return asyncio.run(run(prepared, folder, fail_fast=fail_fast))
