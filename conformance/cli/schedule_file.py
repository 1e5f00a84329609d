"""File -> schedule: every fault at once, each with file, line, key and the fix."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from conformance.cli.plan import event_spec, modified
from conformance.cli.schedule import Schedule
from gateway.config.lines import line_of
from gateway.domain.errors import ConfigError, GatewayError

_FIXES: Final = {
    "extra_forbidden": "no such key here; remove it or correct its spelling",
    "missing": "is missing; add it",
}
_SOME_ORIGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
Place = tuple[str | int, ...]


@dataclass
class _Faults:
    """Collects faults of one file."""

    file: Path
    text: str
    found: list[str] = field(default_factory=list)

    def add(self, place: Place, what: str) -> None:
        name = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")
        line = f"{self.file}:{line_of(self.text, place)}  {name}: {what}"
        if line not in self.found:
            self.found.append(line)


def read_schedule(file: Path) -> Schedule:
    """Read and check a schedule; paths in it count from its folder. No network is used.

    Raises:
        ConfigError: with every fault found.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fault = f"{file}: cannot be read ({type(error).__name__}); give the path of a TOML file"
        raise ConfigError((fault,)) from None
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, InvalidOperation) as error:
        raise ConfigError((f"{file}: no valid TOML: {error}",)) from None
    faults = _Faults(file, text)
    schedule = None
    try:
        schedule = Schedule.model_validate(document)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            what = _FIXES.get(one["type"], one["msg"].removeprefix("Value error, "))
            faults.add(one["loc"] or ("vtn",), what)
    else:
        for place, what in _contradictions(schedule, file.resolve().parent):
            faults.add(place, what)
    if faults.found or schedule is None:
        raise ConfigError(tuple(faults.found))
    return _placed(schedule, file.resolve().parent)


def _placed(schedule: Schedule, folder: Path) -> Schedule:
    """Resolve the paths of a schedule."""

    def resolved(path: Path | None) -> Path | None:
        return None if path is None else folder / path

    listen = schedule.listen.model_copy(
        update={name: resolved(getattr(schedule.listen, name)) for name in _FILES}
    )
    vtn = schedule.vtn.model_copy(update={"store": resolved(schedule.vtn.store)})
    return schedule.model_copy(update={"listen": listen, "vtn": vtn})


_FILES: Final = ("certificate", "key", "ca")


def _contradictions(schedule: Schedule, folder: Path) -> Iterator[tuple[Place, str]]:
    for name in _FILES:
        path = getattr(schedule.listen, name)
        if path is not None and not (folder / path).is_file():
            yield ("listen", name), f"no such file: {folder / path}; make it with gridgate-certs"
    store = schedule.vtn.store
    if store is not None and not (folder / store).parent.is_dir():
        yield ("vtn", "store"), f"no such folder: {(folder / store).parent}; make it first"
    yield from _doubles(schedule)
    yield from _strangers(schedule)
    yield from _rules(schedule)


def _doubles(schedule: Schedule) -> Iterator[tuple[Place, str]]:
    for kind, ids in (
        ("event", [event.id for event in schedule.event]),
        ("report", [report.id for report in schedule.report]),
        ("ven", [ven.id for ven in schedule.ven]),
    ):
        for index, found in enumerate(ids):
            if found and found in ids[:index]:
                yield (kind, index, "id"), f"{found!r} is used twice; ids are unique"


def _strangers(schedule: Schedule) -> Iterator[tuple[Place, str]]:
    known = {ven.id for ven in schedule.ven}
    if not known or "" in known:
        return
    for index, event in enumerate(schedule.event):
        for ven in event.vens:
            if ven not in known:
                yield ("event", index, "vens"), f"no [[ven]] has the id {ven!r}; add it"
    for index, report in enumerate(schedule.report):
        if report.ven and report.ven not in known:
            yield ("report", index, "ven"), f"no [[ven]] has the id {report.ven!r}; add it"


def _rules(schedule: Schedule) -> Iterator[tuple[Place, str]]:
    """Let the standard's own rules judge every event in every version."""
    for index, event in enumerate(schedule.event):
        place: Place = ("event", index)
        spec = event_spec(event, _SOME_ORIGIN)
        changes = (None, *event.modification)
        for number, change in enumerate(changes):
            if change is not None:
                spec = modified(spec, change, _SOME_ORIGIN)
                place = ("event", index, "modification", number - 1)
            try:
                spec.message()
            except GatewayError as error:
                yield place, f"{error.detail}; correct the event"
