"""``gridgate simulate``: what would this gateway do; nothing is sent, told, stored or answered."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import typer
from pydantic import BaseModel

from gateway.app import simulated_sep2 as sep2
from gateway.app.rehearsal import Course, Outcome, rehearse
from gateway.app.sessions import scope_of
from gateway.app.simulated_message import Idea, Read, plain_argument, read, written
from gateway.app.simulated_sep2 import Place
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.table import COLUMNS, cut, local, short_local, shown, table
from gateway.client.clock import SystemClock
from gateway.config.load import Loaded, load
from gateway.config.settings import ProgramSection, UtilitySection
from gateway.domain.errors import ConfigError, WireError
from gateway.domain.names import UtilityName
from gateway.domain.participation import Opt
from gateway.domain.plan import EffectivePlan
from gateway.domain.quantity import exact, plain
from gateway.domain.timespan import duration, instant_text
from gateway.pipeline.records import IntentRecord
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.registry import PROTOCOLS
from gateway.protocols.sep2.client.options import Sep2Options

LARGEST: Final = 8 << 20
HEAD: Final = "SIMULATION: nothing is sent, told to a site, stored or answered"
KINDS: Final = ("event", "late-cancel", "outage")
_ANSWERS: Final = {"in": Opt.IN, "out": Opt.OUT, "none": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of the command, as typed."""

    kind: str
    """``event``, ``late-cancel`` or ``outage``."""
    utility: str
    program: str
    level: int | None
    cap_kw: str
    notice: str
    lasts: str
    answer: str
    cancel_after: str
    present_kw: str
    message: Path | None


Given = tuple[str, str, int | None, str, str, str, str, str, str, Path | None]
"""(utility, program, level, cap_kw, notice, lasts, answer, after, present_kw, message)."""


def run(config: Path, kind: str, given: Given, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Take the options as typed; see ``simulate``."""
    if kind not in KINDS:
        fault = f"{shown(kind)!r} cannot be simulated; choose from {', '.join(KINDS)}"
        raise ConfigError((fault,), "ARGUMENT")
    utility, program, level, cap_kw, notice, lasts, answer, after, present_kw, message = given
    asked = Asked(
        kind=kind,
        utility=utility,
        program=program,
        level=level,
        cap_kw=cap_kw,
        notice=notice,
        lasts=lasts,
        answer=answer,
        cancel_after=after,
        present_kw=present_kw,
        message=message,
    )
    return simulate(config, asked, as_json)


def simulate(config: Path, asked: Asked, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Play an event against the real configuration and the present state.

    Raises:
        ConfigError: the file or the arguments have faults.
        WireError: the given message cannot be read.
    """
    loaded = load(config)
    now = SystemClock().now().replace(microsecond=0)
    utility, program = _which(loaded, asked)
    found = _message(loaded, asked, utility, program, now)
    course = _course(asked, found, now)
    outcome = finish(rehearse(loaded, found, course, now))
    if as_json:
        typer.echo(json.dumps(_document(found, outcome), indent=2))
    else:
        typer.echo("\n".join(_lines(loaded, asked, found, outcome)))
    return Exit.PROBLEM if found.refused or not found.events else Exit.OK


def _which(loaded: Loaded, asked: Asked) -> tuple[UtilitySection, ProgramSection]:
    programs = [
        program
        for program in loaded.settings.program
        if asked.utility in {"", program.utility} and asked.program in {"", program.name}
    ]
    if len({(program.utility, program.name) for program in programs}) != 1:
        there = ", ".join(f"{one.utility} {one.name}" for one in loaded.settings.program)
        fix = "name one with --utility and --program"
        what = "no such program" if not programs else "several programs fit"
        raise ConfigError((f"{what}, the file has {there}; {fix}",), "ARGUMENT")
    (program,) = programs
    utility = next(one for one in loaded.settings.utility if one.name == program.utility)
    return utility, program


def _message(
    loaded: Loaded, asked: Asked, utility: UtilitySection, program: ProgramSection, now: datetime
) -> Read:
    options = PROTOCOLS[utility.protocol].read_options(utility.options)
    scope = scope_of(loaded, UtilityName(utility.name))
    body = _file(asked.message) if asked.message is not None else None
    if isinstance(options, Sep2Options):
        place = Place(options=options, scope=scope, protocol=utility.protocol, program=program.name)
        if body is None:
            body = sep2.written(_idea(asked, program, now), place, now)
        return sep2.read(body, place, now)
    assert isinstance(options, VenOptions)  # noqa: S101 - the registry's own
    if body is None:
        body = written(_idea(asked, program, now), now)
    return read(body, scope, options, options.ven_id, now)


def _idea(asked: Asked, program: ProgramSection, now: datetime) -> Idea:
    level = 1 if asked.level is None and not asked.cap_kw else asked.level
    if level is not None and asked.cap_kw:
        raise ConfigError(("--level and --cap-kw exclude each other; give one",), "ARGUMENT")
    return Idea(
        program=plain_argument("--program", program.name),
        start=now + _span("--notice", asked.notice),
        duration=_span("--lasts", asked.lasts),
        level=level,
        cap_kw=_kw("--cap-kw", asked.cap_kw) if asked.cap_kw else None,
    )


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            found = file.read(LARGEST + 1)
    except OSError as error:
        what = f"--message {path}: {error.strerror}; give the message that the utility sent"
        raise ConfigError((what,), "ARGUMENT") from None
    return found


def _course(asked: Asked, found: Read, now: datetime) -> Course:
    if asked.answer not in {"", *_ANSWERS}:
        fault = f"--answer {shown(asked.answer)}: write in, out or none"
        raise ConfigError((fault,), "ARGUMENT")
    if asked.present_kw:
        _kw("--present-kw", asked.present_kw)
    otherwise = "none" if asked.kind == "outage" else "in"
    answer = _ANSWERS[asked.answer or otherwise]
    cancel_at = None
    if asked.kind == "late-cancel" and found.events:
        after = _span("--after", asked.cancel_after)
        cancel_at = max(found.events[0].start, now) + after
    return Course(answer=answer, cancel_at=cancel_at, present_kw=asked.present_kw)


def _span(name: str, text: str) -> timedelta:
    try:
        found = duration(text)
    except WireError as error:
        raise ConfigError(
            (f"{name} {shown(text)}: {error.detail}; write it like PT15M",), "ARGUMENT"
        ) from None
    if found < timedelta(0):
        raise ConfigError((f"{name}: must not be negative; write it like PT15M",), "ARGUMENT")
    return found


def _kw(name: str, text: str) -> Decimal:
    try:
        return exact(text)
    except WireError as error:
        raise ConfigError(
            (f"{name} {shown(text)}: {error.detail}; write kilowatts",), "ARGUMENT"
        ) from None


def _document(found: Read, outcome: Outcome) -> dict[str, object]:
    return {
        "simulation": True,
        "at": instant_text(outcome.asked_at),
        "refused": [{"event_id": name, "why": why} for name, why in found.refused],
        "copied_intents": outcome.copied,
        "intents": [
            {
                "event_id": record.event.event_id,
                "opt_by": instant_text(record.intent.response.opt_by),
                "opt_default": record.intent.response.opt_default,
                "held": record.intent.hold_reason or None,
                "intent": _published(record.intent),
            }
            for record in outcome.records
        ],
        "plans": [_published(plan) for plan in outcome.plans],
        "plans_afterwards": [_published(plan) for plan in outcome.later],
        "told": [
            {
                "at": instant_text(one.decided_at),
                "opt": one.opt.value,
                "reason": one.reason,
                "by": one.by,
            }
            for one in outcome.told
        ],
        "moments": [
            {"at": instant_text(m.at), "site": m.site, "kind": m.kind, "text": m.text}
            for m in outcome.moments
        ],
    }


def _published(model: BaseModel) -> object:
    return model.model_dump(mode="json", by_alias=True)


def _lines(loaded: Loaded, asked: Asked, found: Read, outcome: Outcome) -> Iterator[str]:
    zone = loaded.settings.gateway.timezone
    yield HEAD
    if asked.present_kw:
        yield f"assumed: every site has drawn {asked.present_kw} kW for the past hour"
    yield f"times in {zone}; {outcome.copied} intent(s) of other events are under way"
    for name, why in found.refused:
        yield cut(f"event {shown(name)} is opted out: {shown(why)}", COLUMNS)
    for record in outcome.records:
        yield ""
        yield from _intent_lines(record, zone)
    for plan in outcome.plans:
        yield ""
        yield from _plan_lines(plan, zone, "is told")
    for plan in outcome.later:
        yield ""
        yield from _plan_lines(plan, zone, "is told afterwards")
    yield ""
    rows = [(local(m.at, zone)[:19], m.site, m.kind, m.text) for m in outcome.moments]
    yield from [*table(("AT", "SITE", "WHAT", "HOW"), rows), ""] if rows else ()
    told = [f"opt {one.opt.value} ({one.reason}, by {one.by})" for one in outcome.told]
    at_once = "opt out, at once" if found.refused else "is told nothing"
    yield f"utility  {', then '.join(told) or at_once}"
    if asked.kind == "outage":
        yield from _silence(outcome)


def _intent_lines(record: IntentRecord, zone: str) -> Iterator[str]:
    intent = record.intent
    end = intent.timing.start + intent.timing.duration if intent.timing.duration else None
    until = short_local(end, zone) if end else "further notice"
    start = short_local(intent.timing.start, zone)
    yield f"event    {shown(record.event.event_id)} at site {intent.site}, {start} to {until}"
    if intent.hold_reason:
        yield cut(f"held     {intent.hold_reason}", COLUMNS)
    if intent.guard is not None:
        for note in intent.guard.notes:
            yield cut(f"guard    {note.action}: {note.rule}, {note.detail}", COLUMNS)
    answer = f"else opt {intent.response.opt_default}"
    yield f"answer   by {local(intent.response.opt_by, zone)[:19]}, {answer}"


def _plan_lines(plan: EffectivePlan, zone: str, verb: str) -> Iterator[str]:
    yield f"site {plan.site} {verb}:"
    rows = [
        (
            short_local(one.start, zone),
            short_local(one.end, zone) if one.end else "further notice",
            one.phase.value,
            "none" if one.import_max_kw is None else plain(one.import_max_kw),
        )
        for one in plan.segments
    ]
    yield from table(("FROM", "UNTIL", "PHASE", "CAP kW"), rows, right="CAP kW")


def _silence(outcome: Outcome) -> Iterator[str]:
    """Say what holds when nobody hears anybody any more."""
    yield "outage   the utility is not heard again: what it asked runs to its end"
    for plan in outcome.plans:
        failsafe = plan.failsafe
        cap = failsafe.default_import_max_kw
        does = "holds the last plan" if cap is None else f"falls back to {plain(cap)} kW"
        yield f"lease    site {plan.site} {does} when it hears no gateway for {failsafe.lease_s} s"
