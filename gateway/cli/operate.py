"""The verbs by which an operator looks after a gateway: ``doctor``, ``support-bundle``, ``simulate``, ``telemetry``."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import EXITS, AsJson, Config, call

app = typer.Typer()
telemetry_app = typer.Typer(no_args_is_help=True, help="Metered values that utilities told us.")
app.add_typer(telemetry_app, name="telemetry")


@app.command(epilog=EXITS)
def doctor(config: Config, as_json: AsJson = False) -> None:
    """Examine everything up to each utility; a fix per line.

    Nothing is registered, polled, answered or changed.
    """
    call("gateway.cli.doctor:doctor", config=config, as_json=as_json)


@app.command(epilog=EXITS)
def discover(
    subtype: Annotated[
        str, typer.Option(help="Only servers that offer it, e.g. derp or edev-167261211391.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Find 2030.5 servers on the local network.

    By DNS-SD; needs the extra `lan`.
    """
    call("gateway.cli.discover:discover", subtype=subtype, as_json=as_json)


@app.command("support-bundle", epilog=EXITS)
def support_bundle(
    config: Config,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is inside.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a file for those who help you; no secrets.

    It holds no keys, tokens, identities or readings either, and says what it holds before it is written.
    """
    call("gateway.cli.support:bundle", config=config, out=out, as_json=as_json, dry_run=dry_run)


@app.command(epilog=EXITS)
def simulate(  # noqa: PLR0913 - every option of the verb
    kind: Annotated[str, typer.Argument(metavar="event|late-cancel|outage", help="What happens.")],
    config: Config,
    utility: Annotated[str, typer.Option(help="Where there are several.")] = "",
    program: Annotated[str, typer.Option(help="Where there are several.")] = "",
    level: Annotated[int | None, typer.Option(help="SIMPLE level, 0 to 3; default 1.")] = None,
    cap_kw: Annotated[str, typer.Option(help="A set point in kW instead of a level.")] = "",
    notice: Annotated[str, typer.Option(help="Until the start.")] = "PT30M",
    lasts: Annotated[str, typer.Option(help="Length; PT0S: until cancelled.")] = "PT1H",
    answer: Annotated[str, typer.Option(help="The site's: in, out or none.")] = "",
    after: Annotated[str, typer.Option(help="late-cancel: so long after the start.")] = "PT5M",
    present_kw: Annotated[str, typer.Option(help="Assume this consumption.")] = "",
    message: Annotated[
        Path | None, typer.Option(help="An oadrDistributeEvent as the utility sent it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what this gateway would do with an event.

    The same code plays it over the real configuration and the present state; nothing is sent, stored or told.
    """
    call(
        "gateway.cli.simulate:run",
        config=config,
        kind=kind,
        given=(utility, program, level, cap_kw, notice, lasts, answer, after, present_kw, message),
        as_json=as_json,
    )


@telemetry_app.command("received", epilog=EXITS)
def telemetry_received(
    config: Config,
    utility: Annotated[str, typer.Option(help="Only of this one.")] = "",
    since: Annotated[str, typer.Option(help="Values that start at or after this instant.")] = "",
    limit: Annotated[int, typer.Option(help="Most values, the newest.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List what utilities reported to us, and which reports they offer."""
    call(
        "gateway.cli.received:received",
        config=config,
        utility=utility,
        since=since,
        limit=limit,
        as_json=as_json,
    )
