"""``gridgate opt``: an operator decides about an event by hand, through the gateway that runs."""

import json
from pathlib import Path
from typing import Final

import typer

from gateway.app.bootstrap import data_dir
from gateway.app.control_client import running
from gateway.app.operator_desk import RuledDocument, RulingDocument, Wish
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.show import TEST_LINE, require_site
from gateway.cli.table import local, shown
from gateway.config.load import Loaded, load
from gateway.domain.errors import ConfigError, TransportError, WireError
from gateway.domain.participation import Opt
from gateway.domain.text import clean

LONGEST: Final = 256
_ANSWERS: Final = {"in": Opt.IN, "out": Opt.OUT}


def opt(  # noqa: PLR0913 - the CLI passes every option by name
    config: Path,
    event: str,
    answer: str,
    reason: str,
    utility: str,
    sites: tuple[str, ...],
    dry_run: bool,  # noqa: FBT001 - the CLI passes it by name
    as_json: bool,  # noqa: FBT001 - the CLI passes it by name
) -> int:
    """Answer an event as the operator.

    Raises:
        ConfigError: the file or the arguments have faults.
        SessionError: ``NOT_FOUND``, ``AMBIGUOUS``, ``TOO_LATE``, ``REFUSED``.
        TransportError: ``NOT_RUNNING``: only a running gateway can tell the utility.
    """
    loaded = load(config)
    wish = _wish(loaded, event, answer, reason, (utility, sites), dry_run=dry_run)
    for site in sites:
        require_site(loaded, site)
    ruling = finish(_ask(loaded, wish))
    if as_json:
        typer.echo(json.dumps(ruling.model_dump(mode="json"), indent=2))
    else:
        typer.echo("\n".join(_lines(loaded, ruling)))
    return Exit.OK


def _wish(
    loaded: Loaded,
    event: str,
    answer: str,
    reason: str,
    where: tuple[str, tuple[str, ...]],
    *,
    dry_run: bool,
) -> Wish:
    utility, sites = where
    faults = []
    if answer not in _ANSWERS:
        faults.append(f"{shown(answer)!r} is no answer; write in or out")
    for name, text in (("EVENT", event), ("--reason", reason)):
        try:
            clean(text, LONGEST)
        except WireError as error:
            faults.append(f"{name}: {error.detail}; write plain text")
        if not text.strip():
            faults.append(f"{name}: is empty; it is kept in the log and told to the utility")
    known = [section.name for section in loaded.settings.utility]
    if utility and utility not in known:
        faults.append(f"--utility: there is no {shown(utility)!r}; the file has {', '.join(known)}")
    if faults:
        raise ConfigError(tuple(faults), "ARGUMENT")
    return Wish(
        event_id=event,
        opt=_ANSWERS[answer],
        reason=reason,
        utility=utility or None,
        sites=sites,
        dry_run=dry_run,
    )


async def _ask(loaded: Loaded, wish: Wish) -> RulingDocument:
    async with running(data_dir(loaded)) as gateway:
        if gateway is None:
            detail = "no gateway runs on this configuration; start it:  gridgate run -c FILE"
            raise TransportError("NOT_RUNNING", detail)
        return await gateway.ask("POST", "/opt", RulingDocument, wish)


def _lines(loaded: Loaded, ruling: RulingDocument) -> list[str]:
    lines = [TEST_LINE] if loaded.settings.gateway.test_mode else []
    if ruling.dry_run:
        lines.append("dry run: nothing was decided")
    zone = loaded.settings.gateway.timezone
    first = ruling.ruled[0]
    lines.append(
        f"event    {shown(first.event_id)} of {first.utility}, starts {local(first.start, zone)}"
    )
    lines += [_site_line(one) for one in ruling.ruled]
    lines.append(f"utility  {_upstream(ruling)}")
    lines.append(
        f"by       {shown(ruling.by)}, written into the evidence log" * (not ruling.dry_run)
    )
    return [line for line in lines if line]


def _site_line(one: RuledDocument) -> str:
    before = f"{one.before.value} ({shown(one.before_reason)})" if one.before else "unanswered"
    now = f"{one.opt.value}" if one.changed else f"{one.opt.value} already, unchanged"
    return f"site     {one.site}: {before} -> {now}"


def _upstream(ruling: RulingDocument) -> str:
    told = {one.upstream for one in ruling.ruled}
    before = {one.upstream_before for one in ruling.ruled}
    if not any(one.changed for one in ruling.ruled):
        return "is told nothing new"
    (answer,) = told or {None}
    if answer is None:
        return "is told once every site of the event has answered"
    if all(one.apart for one in ruling.ruled):
        verb = "would be told" if ruling.dry_run else "is told"
        return f"{verb} opt {answer.value} for these sites alone"
    again = "" if before == {None} else ", by a fresh answer that overrides the last one"
    verb = "would be told" if ruling.dry_run else "is told"
    return f"{verb} opt {answer.value}{again}"
