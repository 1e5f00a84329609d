"""``gridgate reservation``: what sites need ahead, through the gateway that runs."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import typer
from pydantic import ValidationError

from gateway.app.bootstrap import data_dir
from gateway.app.control_client import running
from gateway.app.reservation_desk import (
    NeedDocument,
    ReservationDocument,
    ReservationsDocument,
    ReservationWish,
)
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.show import TEST_LINE, require_site
from gateway.cli.table import short_local, shown, table
from gateway.config.load import Loaded, load
from gateway.domain.errors import ConfigError, TransportError
from gateway.domain.quantity import plain

_OPTIONS = {"start": "--from", "end": "--to", "need_id": "--id"}


def ask(config: Path, utility: str, given: Mapping[str, str], as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Ask for energy ahead.

    Args:
        config: Configuration file.
        utility: Whom; empty where there is one alone.
        given: Fields of a need as they were typed.
        as_json: One document.

    Raises:
        ConfigError: the file or the arguments have faults.
        SessionError: ``NOT_FOUND``, ``REFUSED``, ``TOO_LATE``.
        TransportError: ``NOT_RUNNING``: only a running gateway can ask the utility.
    """
    loaded = load(config)
    require_site(loaded, given["site"])
    told = {name: text for name, text in given.items() if text}
    try:
        need = NeedDocument.model_validate_strings(told)
    except ValidationError as error:
        raise ConfigError(tuple(map(_fault, error.errors())), "ARGUMENT") from None
    return _told(loaded, ReservationWish(utility=_named(loaded, utility), need=need), as_json)


def show(config: Path, utility: str, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """List reservations; raises as ``ask``."""
    loaded = load(config)
    return _told(loaded, ReservationWish(utility=_named(loaded, utility)), as_json)


def withdraw(config: Path, utility: str, need: str, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Take a need back; raises as ``ask``."""
    loaded = load(config)
    if not need.strip():
        raise ConfigError(("ID: is empty; `gridgate reservation list` shows them",), "ARGUMENT")
    wish = ReservationWish(utility=_named(loaded, utility), withdraw=need)
    return _told(loaded, wish, as_json)


def _fault(error: Mapping[str, object]) -> str:
    place = error["loc"]
    name = str(place[0]) if isinstance(place, tuple) and place else ""
    option = _OPTIONS.get(name, f"--{name.replace('_', '-')}")
    return f"{option}: {error['msg']}; write e.g. 5000, 2026-05-03T16:00:00Z or PT2H"


def _named(loaded: Loaded, utility: str) -> str:
    known = [section.name for section in loaded.settings.utility]
    name = utility or (known[0] if len(known) == 1 else "")
    if name not in known:
        fault = f"--utility: there is no {shown(utility)!r}; the file has {', '.join(known)}"
        raise ConfigError((fault,), "ARGUMENT")
    return name


def _told(loaded: Loaded, wish: ReservationWish, as_json: bool) -> int:  # noqa: FBT001 - passed on
    found = finish(_asked(loaded, wish))
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json"), indent=2))
    else:
        typer.echo("\n".join(_lines(loaded, found)))
    return Exit.OK


async def _asked(loaded: Loaded, wish: ReservationWish) -> ReservationsDocument:
    async with running(data_dir(loaded)) as gateway:
        if gateway is None:
            detail = "no gateway runs on this configuration; start it:  gridgate run -c FILE"
            raise TransportError("NOT_RUNNING", detail)
        return await gateway.ask("POST", "/reservations", ReservationsDocument, wish)


def _lines(loaded: Loaded, found: ReservationsDocument) -> list[str]:
    head = [TEST_LINE] if loaded.settings.gateway.test_mode else []
    zone = loaded.settings.gateway.timezone
    if not found.reservations:
        return [*head, "no reservations"]
    rows = [_cells(one, zone) for one in found.reservations]
    lines = table(("ID", "SITE", "STATE", "FROM", "TO", "kWh"), rows, right="kWh")
    granted = [line for one in found.reservations for line in _granted(one, zone)]
    return [*head, *lines, "", *granted, f"FROM and TO in {zone}"]


def _cells(one: ReservationDocument, zone: str) -> tuple[str, ...]:
    need = one.need
    return (
        shown(need.need_id or ""),
        need.site,
        one.state.value,
        short_local(need.start, zone),
        short_local(need.end, zone),
        plain(need.energy_kwh),
    )


def _granted(one: ReservationDocument, zone: str) -> Iterator[str]:
    for grant in one.grants:
        yield (
            f"granted  {shown(one.need.need_id or '')} {plain(grant.energy_kwh)} kWh at "
            f"{plain(grant.power_kw)} kW from {short_local(grant.start, zone)} "
            f"to {short_local(grant.end, zone)} ({shown(grant.state)})"
        )
