"""``gridgate registration``: how it stands, and what an operator does about it, through the running gateway."""

import json
from pathlib import Path
from typing import Final

import typer

from gateway.app.bootstrap import data_dir
from gateway.app.control_client import running
from gateway.app.registration_desk import RegistrationWish, StandingDocument
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.show import TEST_LINE
from gateway.cli.table import shown
from gateway.config.load import Loaded, load
from gateway.domain.errors import ConfigError, TransportError
from gateway.domain.registering import Order

_DONE: Final = {
    Order.QUERY: "the utility is asked for its terms; the log says what it answers",
    Order.RENEW: "the gateway registers, with its present ids where it has them",
    Order.NEW: "the gateway registers as if for the first time",
    Order.CANCEL: "the registration is being ended; begin anew with:  gridgate registration renew",
}


def act(config: Path, order: str, utility: str, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Order something, or with an empty order only look.

    Raises:
        ConfigError: the file or the arguments have faults.
        SessionError: ``OUT_OF_SEQUENCE`` or ``REFUSED``.
        TransportError: ``NOT_RUNNING``: only a running gateway can speak to the utility.
    """
    loaded = load(config)
    wanted = Order(order) if order else None
    wish = RegistrationWish(utility=_named(loaded, utility), order=wanted)
    standing = finish(_ask(loaded, wish))
    if as_json:
        typer.echo(json.dumps(standing.model_dump(mode="json"), indent=2))
    else:
        typer.echo("\n".join(_lines(loaded, standing, wanted)))
    return Exit.OK


def _named(loaded: Loaded, utility: str) -> str:
    known = [section.name for section in loaded.settings.utility]
    name = utility or (known[0] if len(known) == 1 else "")
    if name not in known:
        fault = f"--utility: there is no {shown(utility)!r}; the file has {', '.join(known)}"
        raise ConfigError((fault,), "ARGUMENT")
    return name


async def _ask(loaded: Loaded, wish: RegistrationWish) -> StandingDocument:
    async with running(data_dir(loaded)) as gateway:
        if gateway is None:
            detail = "no gateway runs on this configuration; start it:  gridgate run -c FILE"
            raise TransportError("NOT_RUNNING", detail)
        return await gateway.ask("POST", "/registration", StandingDocument, wish)


def _lines(loaded: Loaded, standing: StandingDocument, order: Order | None) -> list[str]:
    every = standing.poll_every
    rows = {
        "utility": standing.utility,
        "state": standing.state,
        "registration": shown(standing.registration_id),
        "venID": shown(standing.ven_id),
        "vtnID": shown(standing.vtn_id),
        "polled every": "" if every is None else f"{every.total_seconds():g} s",
        "tried again": standing.retry_at,
    }
    lines = [TEST_LINE] if loaded.settings.gateway.test_mode else []
    lines += [f"{name:13} {text}" for name, text in rows.items() if text]
    return lines + ([_DONE[order]] if order else [])
