"""``gridgate reservation``: the verbs and their options."""

from typing import Annotated

import typer

from gateway.cli.calling import EXITS, AsJson, Config, call

reservation_app = typer.Typer(
    no_args_is_help=True,
    help="Ask a 2030.5 utility for energy ahead (flow reservation).",
)
Utility = Annotated[str, typer.Option(help="Where there are several.")]


@reservation_app.command("ask", epilog=EXITS)
def ask(  # noqa: PLR0913 - every option of the verb
    config: Config,
    site: Annotated[str, typer.Option(help="Whose need it is.")],
    energy_kwh: Annotated[str, typer.Option(help="What has to be drawn in all.")],
    power_kw: Annotated[str, typer.Option(help="What can be drawn at most.")],
    start: Annotated[
        str, typer.Option("--from", help="Begin of the window, e.g. 2026-05-03T16:00:00Z.")
    ],
    end: Annotated[str, typer.Option("--to", help="End of the window.")],
    least: Annotated[
        str, typer.Option(help="The shortest that would do, ramps included, e.g. PT2H.")
    ] = "",
    program: Annotated[str, typer.Option(help="Where there are several.")] = "",
    utility: Utility = "",
    need: Annotated[
        str, typer.Option("--id", help="Id of the need; the same again asks once.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Ask for energy within a window; the answer comes as an event."""
    given = {
        "site": site,
        "program": program,
        "energy_kwh": energy_kwh,
        "power_kw": power_kw,
        "start": start,
        "end": end,
        "least": least,
        "need_id": need,
    }
    call(
        "gateway.cli.reservation:ask",
        config=config,
        utility=utility,
        given=given,
        as_json=as_json,
    )


@reservation_app.command("list", epilog=EXITS)
def show(config: Config, utility: Utility = "", as_json: AsJson = False) -> None:
    """List what was asked for, and what was granted."""
    call("gateway.cli.reservation:show", config=config, utility=utility, as_json=as_json)


@reservation_app.command("withdraw", epilog=EXITS)
def withdraw(
    need: Annotated[str, typer.Argument(metavar="ID", help="As `reservation list` shows it.")],
    config: Config,
    utility: Utility = "",
    as_json: AsJson = False,
) -> None:
    """Take a need back; what was granted to it is the utility's to cancel."""
    call(
        "gateway.cli.reservation:withdraw",
        config=config,
        utility=utility,
        need=need,
        as_json=as_json,
    )
