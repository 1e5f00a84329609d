"""``gridgate registration``: the verbs and their options."""

from typing import Annotated

import typer

from gateway.cli.calling import EXITS, AsJson, Config, call

registration_app = typer.Typer(
    no_args_is_help=True,
    help="Show, renew or end the registration with a utility.",
)
Utility = Annotated[str, typer.Option(help="Where there are several.")]


def _act(order: str, config: Config, utility: str, *, as_json: bool) -> None:
    call(
        "gateway.cli.registration:act",
        config=config,
        order=order,
        utility=utility,
        as_json=as_json,
    )


@registration_app.command("show", epilog=EXITS)
def show(config: Config, utility: Utility = "", as_json: AsJson = False) -> None:
    """Show how the registration stands."""
    _act("", config, utility, as_json=as_json)


@registration_app.command("query", epilog=EXITS)
def query(config: Config, utility: Utility = "", as_json: AsJson = False) -> None:
    """Ask the utility for its terms (oadrQueryRegistration); nothing changes."""
    _act("query", config, utility, as_json=as_json)


@registration_app.command("renew", epilog=EXITS)
def renew(config: Config, utility: Utility = "", as_json: AsJson = False) -> None:
    """Register again with the present ids; begin at once where there is no registration."""
    _act("renew", config, utility, as_json=as_json)


@registration_app.command("new", epilog=EXITS)
def new(config: Config, utility: Utility = "", as_json: AsJson = False) -> None:
    """Register as if for the first time: the utility forgets reports and events that it told us."""
    _act("new", config, utility, as_json=as_json)


@registration_app.command("cancel", epilog=EXITS)
def cancel(config: Config, utility: Utility = "", as_json: AsJson = False) -> None:
    """End the registration: every event is let go, and no other is made until `renew`, over restarts too."""
    _act("cancel", config, utility, as_json=as_json)
