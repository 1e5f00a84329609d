"""``gridgate``: the verbs, their options and nothing else.

Every verb names its code as a string, imported when it runs, so that ``--help`` stays quick.
Exit codes: 0 ok, 1 found a problem, 2 wrong use, 3 peer or store unreachable, 4 interrupted;
``evidence verify``: 0 verified, 1 mismatch, 2 malformed, 3 incomplete.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import operate
from gateway.cli.calling import EXITS, AsJson, Config, call
from gateway.cli.ending import traced, unexpected
from gateway.cli.opt_verbs import opt_app
from gateway.cli.registration_verbs import registration_app
from gateway.cli.reservation_verbs import reservation_app
from gateway.cli.store_verbs import store_app

VERDICTS = "Exit codes: 0 verified, 1 mismatch, 2 malformed, 3 incomplete."

app = typer.Typer(
    name="gridgate",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain text: no colour codes anywhere, and half the time of --help
    pretty_exceptions_enable=False,
    epilog=EXITS,
)
config_app = typer.Typer(no_args_is_help=True, help="Check or show a configuration file.")
token_app = typer.Typer(no_args_is_help=True, help="Make, list and revoke site tokens.")
evidence_app = typer.Typer(
    no_args_is_help=True, help="List statements; export and verify their evidence."
)
audit_app = typer.Typer(no_args_is_help=True, help="Who did what, when and why; with proof.")
demo_app = typer.Typer(no_args_is_help=True, help="Run a demonstration with a simulated site.")
deadletters_app = typer.Typer(no_args_is_help=True, help="What could not be delivered in time.")
deliveries_app = typer.Typer(no_args_is_help=True, help="Deliveries to the sites' endpoints.")
app.add_typer(operate.app)
app.add_typer(opt_app, name="opt")
app.add_typer(registration_app, name="registration")
app.add_typer(reservation_app, name="reservation")
app.add_typer(config_app, name="config")
app.add_typer(token_app, name="token")
app.add_typer(evidence_app, name="evidence")
app.add_typer(audit_app, name="audit")
app.add_typer(demo_app, name="demo")
app.add_typer(deadletters_app, name="deadletters")
app.add_typer(deliveries_app, name="deliveries")
app.add_typer(store_app, name="store")

Since = Annotated[str, typer.Option(help="From this instant on, e.g. 2026-05-03T16:00:00Z.")]
Subject = Annotated[str, typer.Option(help="Intent id, event id or token name.")]
Kind = Annotated[
    list[str] | None,
    typer.Option(help="audit, event, intent, opt, delivery, token … or a word such as guard."),
]


@app.callback()
def root(
    *, debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False
) -> None:
    """The signalling layer between utilities and AI data centers."""
    if debug:
        sys.excepthook = traced


@app.command(epilog=EXITS)
def run(
    config: Config,
    clock_origin: Annotated[
        str, typer.Option(help="Demonstrations: instant of the timeline at --clock-start.")
    ] = "",
    clock_start: Annotated[
        float, typer.Option(help="Demonstrations: Unix seconds at which it passed.")
    ] = 0.0,
    clock_factor: Annotated[
        float, typer.Option(help="Demonstrations: seconds of the timeline per second.")
    ] = 1.0,
) -> None:
    """Run the gateway until it is interrupted."""
    call(
        "gateway.cli.run:run",
        config=config,
        clock=(clock_origin, clock_start, clock_factor),
    )


@demo_app.command("phoenix", epilog=EXITS)
def demo_phoenix(
    speed: Annotated[float, typer.Option(help="Seconds of the timeline per second.")] = 400.0,
    virtual: Annotated[
        bool, typer.Option("--virtual", help="One process, virtual time, a few seconds.")
    ] = False,
    protocol: Annotated[
        str, typer.Option(help="oadr20b; with --virtual also sep2, csip or csip_aus.")
    ] = "oadr20b",
    seed: Annotated[int, typer.Option(help="Plant noise; with --virtual also every id.")] = 1,
    no_buffer: Annotated[
        bool, typer.Option("--no-buffer", help="The site keeps no telemetry while it is cut off.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where store, keys and report go.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replay the Phoenix field demonstration: one utility, one event, one simulated site."""
    flags = ["--virtual"] * virtual + ["--no-buffer"] * no_buffer + ["--json"] * as_json
    where = ["--folder", str(folder)] if folder else []
    told = ["--protocol", protocol, "--speed", str(speed), "--seed", str(seed)]
    arguments = ["phoenix", *told, *where, *flags]
    call("gateway.cli.child:child", module="conformance.demo", arguments=arguments)


@config_app.command("check", epilog=EXITS)
def config_check(file: Annotated[Path, typer.Argument(help="Configuration file.")]) -> None:
    """List every fault at once, each with file, line, key and the fix; no network."""
    call("gateway.cli.config:check", file=file)


@config_app.command("show", epilog=EXITS)
def config_show(file: Annotated[Path, typer.Argument(help="Configuration file.")]) -> None:
    """Print the effective settings as JSON, defaults included."""
    call("gateway.cli.config:show", file=file)


@token_app.command("create", epilog=EXITS)
def token_create(
    name: Annotated[str, typer.Argument(help="Name of the token, for listing and revoking.")],
    config: Config,
    site: Annotated[str, typer.Option(help="Site that the token is for.")],
    scopes: Annotated[
        str, typer.Option(help="Comma-separated.")
    ] = "events:read,ack:write,telemetry:write",
    out: Annotated[
        Path | None, typer.Option(help="Write the token to a file (mode 0600) instead.")
    ] = None,
) -> None:
    """Make a token for one site; it is shown once."""
    call(
        "gateway.cli.token:create",
        config=config,
        name=name,
        site=site,
        scopes=tuple(scope.strip() for scope in scopes.split(",")),
        out=out,
    )


@token_app.command("list", epilog=EXITS)
def token_list(config: Config, as_json: AsJson = False) -> None:
    """List tokens; the secrets are not kept."""
    call("gateway.cli.token:listing", config=config, as_json=as_json)


@token_app.command("revoke", epilog=EXITS)
def token_revoke(name: str, config: Config) -> None:
    """Revoke a token; its streams end within seconds."""
    call("gateway.cli.token:revoke", config=config, name=name)


@app.command(epilog=EXITS)
def intents(config: Config, as_json: AsJson = False) -> None:
    """List the intents of every site, with state and answer."""
    call("gateway.cli.show:intents", config=config, as_json=as_json)


@app.command(epilog=EXITS)
def plan(
    site: Annotated[str, typer.Argument(help="Site id.")], config: Config, as_json: AsJson = False
) -> None:
    """Show a site's effective plan."""
    call("gateway.cli.show:plan", config=config, site=site, as_json=as_json)


@app.command(epilog=EXITS)
def explain(
    subject: Annotated[str, typer.Argument(help="Event id, intent id, error code, or `codes`.")],
    config: Annotated[Path | None, typer.Option("--config", "-c", help="For events.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show where a message went, or what a code means."""
    call("gateway.cli.codes:explain", config=config, subject=subject, as_json=as_json)


@audit_app.command("list", epilog=EXITS)
def audit_list(
    config: Config,
    since: Since = "",
    subject: Subject = "",
    kind: Kind = None,
    as_json: AsJson = False,
) -> None:
    """List who did what, when and why, oldest first."""
    call(
        "gateway.cli.audit:listing",
        config=config,
        since=since,
        subject=subject,
        kind=tuple(kind or ()),
        as_json=as_json,
    )


@audit_app.command("export", epilog=EXITS)
def audit_export(
    config: Config,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write (zip).")],
    since: Since = "",
    subject: Subject = "",
    kind: Kind = None,
) -> None:
    """Write the records with the proof that the log holds them."""
    call(
        "gateway.cli.audit:export",
        config=config,
        since=since,
        subject=subject,
        kind=tuple(kind or ()),
        out=out,
    )


@audit_app.command("verify", epilog=VERDICTS)
def audit_verify(
    bundle: Annotated[Path, typer.Argument(help="Export: zip or directory.")],
    log_id: Annotated[
        str | None, typer.Option(help="Log that must have signed it; else the signer is named.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check an export by itself; no network, no store."""
    call("gateway.cli.audit:verify", bundle=bundle, as_json=as_json, log_id=log_id)


@evidence_app.command("export", epilog=EXITS)
def evidence_export(
    statement: Annotated[str, typer.Argument(help="Statement id.")],
    config: Config,
    out: Annotated[Path, typer.Option("--out", "-o", help="Bundle to write (zip).")],
    version: Annotated[
        int | None, typer.Option(min=1, help="An earlier version; else the newest.")
    ] = None,
) -> None:
    """Write the evidence bundle of one statement, with those that it corrects."""
    call("gateway.cli.export:export", config=config, statement=statement, out=out, version=version)


@evidence_app.command("list", epilog=EXITS)
def evidence_list(
    config: Config,
    site: Annotated[str, typer.Option(help="Only of this site.")] = "",
    trail: Annotated[
        bool, typer.Option("--trail", help="With the versions that were corrected.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List statements, the newest version of each."""
    call("gateway.cli.statements:listing", config=config, site=site, trail=trail, as_json=as_json)


@evidence_app.command("verify", epilog=VERDICTS)
def evidence_verify(
    bundle: Annotated[Path, typer.Argument(help="Bundle: zip or directory.")],
    log_id: Annotated[
        str | None, typer.Option(help="Log that must have signed it; else the signer is named.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute a statement from its bundle alone; no network, no store."""
    call("gateway.cli.evidence:verify", bundle=bundle, as_json=as_json, log_id=log_id)


@deadletters_app.command("list", epilog=EXITS)
def deadletters_list(
    config: Config,
    site: Annotated[str, typer.Option(help="Only of this site.")] = "",
    as_json: AsJson = False,
) -> None:
    """List dead letters, newest first."""
    call("gateway.cli.deadletters:listing", config=config, site=site, as_json=as_json)


@deadletters_app.command("replay", epilog=EXITS)
def deadletters_replay(
    config: Config,
    letters: Annotated[
        list[str] | None, typer.Argument(help="As listed: SITE/ENDPOINT/PLACE.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send dead letters after all; what is past its end of validity is refused."""
    call(
        "gateway.cli.deadletters:replay",
        config=config,
        letters=tuple(letters or ()),
        everything=everything,
        as_json=as_json,
    )


@deliveries_app.command("list", epilog=EXITS)
def deliveries_list(
    config: Config,
    site: Annotated[str, typer.Option(help="Only of this site.")] = "",
    endpoint: Annotated[str, typer.Option(help="Only at this endpoint.")] = "",
    attempts: Annotated[
        bool, typer.Option("--attempts", help="Every attempt at one endpoint instead.")
    ] = False,
    limit: Annotated[int, typer.Option(help="Most lines.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List what became of documents at the sites' endpoints, newest first."""
    call(
        "gateway.cli.deliveries:listing",
        config=config,
        site=site,
        endpoint=endpoint,
        attempts=attempts,
        limit=limit,
        as_json=as_json,
    )


@deliveries_app.command("resend", epilog=EXITS)
def deliveries_resend(
    config: Config,
    site: Annotated[str, typer.Option(help="Whose endpoint.")],
    endpoint: Annotated[str, typer.Option(help="Its name.")],
    sequence: Annotated[int | None, typer.Option(help="Place of one document.")] = None,
    since: Annotated[
        int | None, typer.Option(help="All that were delivered after this place.")
    ] = None,
) -> None:
    """Send documents once more, under the ids that they had; never past their end."""
    call(
        "gateway.cli.deliveries:resend",
        config=config,
        site=site,
        endpoint=endpoint,
        sequence=sequence,
        since=since,
    )


@app.command(epilog=EXITS)
def bench(
    name: Annotated[str, typer.Argument(help="decode2b, intake, poll2b, report2b, hostile …")],
    as_json: AsJson = False,
) -> None:
    """Measure against the published bars."""
    call(
        "gateway.cli.child:child",
        module="conformance.bench",
        arguments=[name, *(["--json"] * as_json)],
    )


def main() -> None:
    """Run the command line; a bug becomes an error with a code, never a traceback without ``--debug``."""
    sys.excepthook = unexpected
    typer.main.get_command(app)(prog_name="gridgate")  # not app(): it would set a hook of its own
