"""``gridgate opt schedule``: an operator says ahead when sites take part, lists it, takes it back."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

import typer
from pydantic import BaseModel

from gateway.app.access import looking
from gateway.app.bootstrap import data_dir
from gateway.app.control_client import running
from gateway.app.schedule_desk import (
    CancelWish,
    ScheduledDocument,
    ScheduleDocument,
    ScheduleWish,
    WindowDocument,
    schedule_document,
)
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.show import TEST_LINE, require_site
from gateway.cli.table import SHORT_ID, local, short_local, shown, table
from gateway.client.clock import SystemClock
from gateway.config.load import Loaded, load
from gateway.domain.errors import ConfigError, TransportError, WireError
from gateway.domain.names import UtilityName
from gateway.domain.opting import REASONS, OptSchedule
from gateway.domain.participation import Opt
from gateway.domain.timespan import instant
from gateway.pipeline.ports import Work
from gateway.protocols.actions import Fact, FactKind

_ANSWERS: Final = {"in": Opt.IN, "out": Opt.OUT}
_WAITING: Final = "waiting"
_Told = Sequence[tuple[OptSchedule, Fact | None]]
M = TypeVar("M", bound=BaseModel)


def create(
    config: Path,
    answer: str,
    given: Mapping[str, str],
    when: tuple[tuple[str, ...], tuple[str, ...], bool],
    sites: tuple[str, ...],
    dry_run: bool,  # noqa: FBT001 - the CLI passes it by name
    as_json: bool,  # noqa: FBT001 - the CLI passes it by name
) -> int:
    """Say ahead when sites take part.

    Args:
        config: Configuration file.
        answer: ``in`` or ``out``.
        given: Texts of the options: utility, reason, program, device_class, opt_id.
        when: Beginnings, ends, and whether the last window has no end.
        sites: Site ids; empty: all.
        dry_run: Only say what it would come to.
        as_json: One document.

    Raises:
        ConfigError: the file or the arguments have faults.
        SessionError: ``NOT_FOUND``, ``REFUSED``, ``TOO_LATE``.
        TransportError: ``NOT_RUNNING``: only a running gateway can tell the utility.
    """
    loaded = load(config)
    for site in sites:
        require_site(loaded, site)
    wish = _wish(loaded, answer, given, when).model_copy(
        update={"sites": sites, "dry_run": dry_run}
    )
    done = finish(_ask(loaded, "/opt/schedules", ScheduledDocument, wish))
    if as_json:
        typer.echo(json.dumps(done.model_dump(mode="json"), indent=2))
    else:
        typer.echo("\n".join(_created_lines(loaded, done)))
    return Exit.OK


def _wish(
    loaded: Loaded,
    answer: str,
    given: Mapping[str, str],
    when: tuple[tuple[str, ...], tuple[str, ...], bool],
) -> ScheduleWish:
    faults: list[str] = []
    if answer not in _ANSWERS:
        faults.append(f"{shown(answer)!r} is no opt; write in or out")
    known = [section.name for section in loaded.settings.utility]
    utility = given["utility"] or (known[0] if len(known) == 1 else "")
    if utility not in known:
        faults.append(f"--utility: there is no {shown(utility)!r}; the file has {', '.join(known)}")
    reason = given["reason"]
    if reason not in REASONS and not reason.startswith("x-"):
        faults.append(f"--reason: write one of {', '.join(REASONS)}, or a word that begins with x-")
    windows = _windows(when, faults)
    if faults:
        raise ConfigError(tuple(faults), "ARGUMENT")
    return ScheduleWish(
        utility=utility,
        opt=_ANSWERS[answer],
        reason=reason,
        windows=windows,
        program=given["program"],
        device_class=given["device_class"],
        opt_id=given.get("opt_id") or None,
    )


def _windows(
    when: tuple[tuple[str, ...], tuple[str, ...], bool], faults: list[str]
) -> tuple[WindowDocument, ...]:
    begins, ends, is_open = when
    if not begins or len(ends) + is_open != len(begins):
        faults.append("--from: each window needs its --from and --to; the last one may be --open")
        return ()
    starts = [_instant("--from", text, faults) for text in begins]
    stops: list[datetime | None] = [_instant("--to", text, faults) for text in ends]
    stops += [None] * is_open
    return tuple(
        WindowDocument(start=start, end=stop)
        for start, stop in zip(starts, stops, strict=True)
        if start is not None
    )


def _instant(option: str, text: str, faults: list[str]) -> datetime | None:
    try:
        return instant(text)
    except WireError as error:
        faults.append(f"{option} {shown(text)}: {error.detail}; write 2026-05-03T16:00:00Z")
        return None


async def _ask(loaded: Loaded, path: str, answer: type[M], wish: BaseModel) -> M:
    async with running(data_dir(loaded)) as gateway:
        if gateway is None:
            detail = "no gateway runs on this configuration; start it:  gridgate run -c FILE"
            raise TransportError("NOT_RUNNING", detail)
        return await gateway.ask("POST", path, answer, wish)


def _created_lines(loaded: Loaded, done: ScheduledDocument) -> list[str]:
    one, zone = done.schedule, loaded.settings.gateway.timezone
    lines = [TEST_LINE] if loaded.settings.gateway.test_mode else []
    lines += ["dry run: nothing was scheduled"] * done.dry_run
    lines.append(f"opt      {one.opt.value} ({shown(one.reason)}) towards {one.utility}")
    lines += [f"window   {_window(each, zone)}" for each in one.windows]
    lines.append(f"sites    {', '.join(one.sites) or 'all of its programs'}")
    if one.program:
        lines.append(f"program  {shown(one.program)}")
    lines += [f"replaces {gone.opt_id} ({_span(gone, zone)})" for gone in done.replaces]
    if not done.dry_run:
        lines.append(f"id       {one.opt_id}; take it back:  gridgate opt schedule cancel ID")
    return lines


def _window(window: WindowDocument, zone: str) -> str:
    end = local(window.end, zone) if window.end else "until it is cancelled"
    return f"{local(window.start, zone)} - {end}"


def _span(one: ScheduleDocument, zone: str) -> str:
    return _window(WindowDocument(start=one.windows[0].start, end=one.windows[-1].end), zone)


def cancel(config: Path, opt_id: str, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Take a schedule back.

    Raises:
        ConfigError: the file has faults.
        SessionError: ``NOT_FOUND``, ``AMBIGUOUS``, ``TOO_LATE``.
        TransportError: ``NOT_RUNNING``.
    """
    loaded = load(config)
    gone = finish(
        _ask(loaded, "/opt/schedules/cancel", ScheduleDocument, CancelWish(opt_id=opt_id))
    )
    if as_json:
        typer.echo(json.dumps(gone.model_dump(mode="json"), indent=2))
    else:
        head = [TEST_LINE] if loaded.settings.gateway.test_mode else []
        typer.echo("\n".join([*head, f"taken back: {gone.opt_id}; {gone.utility} is told"]))
    return Exit.OK


def listing(
    config: Path,
    utility: str,
    everything: bool,  # noqa: FBT001 - the CLI passes it by name
    as_json: bool,  # noqa: FBT001 - the CLI passes it by name
) -> int:
    """List schedules, oldest first, and how the utility took each.

    Raises:
        ConfigError: the file has faults.
        StoreError: there is no store, or it cannot be read.
    """
    loaded = load(config)
    now = SystemClock().now()
    found = [
        (one, fact)
        for one, fact in finish(_schedules(loaded, utility))
        if everything or not one.over(now)
    ]
    if as_json:
        typer.echo(json.dumps({"schedules": [_document(*each, now) for each in found]}, indent=2))
    else:
        typer.echo("\n".join(_lines(loaded, found, now)))
    return Exit.OK


async def _schedules(loaded: Loaded, utility: str) -> _Told:
    names = [section.name for section in loaded.settings.utility]
    if utility and utility not in names:
        fault = f"--utility: there is no {shown(utility)!r}; the file has {', '.join(names)}"
        raise ConfigError((fault,), "ARGUMENT")

    def job(work: Work) -> _Told:
        found: list[tuple[OptSchedule, Fact | None]] = []
        for name in map(UtilityName, [utility] if utility else names):
            facts = {fact.key: fact for fact in work.told.facts(name, FactKind.OPT)}
            found += [(one, facts.get(one.opt_id)) for one in work.opting.of(name)]
        return found

    async with looking(loaded) as store:
        return await store.read(job)


def _standing(one: OptSchedule, fact: Fact | None, now: datetime) -> str:
    """Say in one word how a schedule stands; what the utility said of an older word of ours does not count."""
    said = fact.fields.get("state", "") if fact else ""
    if one.cancelled_at is not None:
        return "cancelled" if said == "gone" else "cancelling"
    if one.replaced_at is not None:
        return "replaced"
    if one.over(now):
        return "over"
    if said in {"wanted", "asking"}:
        return _WAITING
    if said == "refused" and fact is not None:
        return f"refused {fact.fields.get('code', '')}"
    return said or _WAITING


def _document(one: OptSchedule, fact: Fact | None, now: datetime) -> dict[str, object]:
    return {
        **schedule_document(one).model_dump(mode="json"),
        "standing": _standing(one, fact, now),
        "utility_said": dict(fact.fields) if fact else None,
    }


def _lines(loaded: Loaded, found: _Told, now: datetime) -> list[str]:
    head = [TEST_LINE] if loaded.settings.gateway.test_mode else []
    if not found:
        return [*head, "no schedules"]
    zone = loaded.settings.gateway.timezone
    rows = [_cells(one, fact, now, zone) for one, fact in found]
    heads = ("ID", "UTILITY", "OPT", "FROM", "TO", "STANDING", "SITES")
    return [*head, *table(heads, rows), "", f"schedules: {len(found)}; times in {zone}"]


def _cells(one: OptSchedule, fact: Fact | None, now: datetime, zone: str) -> tuple[str, ...]:
    end = one.windows[-1].end
    return (
        one.opt_id[:SHORT_ID],
        one.utility,
        one.opt.value,
        short_local(one.windows[0].start, zone),
        short_local(end, zone) if end else "open",
        _standing(one, fact, now),
        ",".join(one.sites) or "all",
    )
