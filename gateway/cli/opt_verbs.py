"""``gridgate opt``: the verbs and their options.

``opt EVENT in|out`` and ``opt schedule in|out`` need no word for "decide": what is no word of the group is an argument.
"""

from typing import Annotated

import typer
from typer.core import TyperGroup

from gateway.cli.calling import EXITS, AsJson, Config, call


class _Usual(TyperGroup):
    """A group whose usual verb needs not be named: it is the first one, and hidden."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override] # typer's own context is a subclass
        """Name the usual verb where none is named."""
        if args and args[0] not in self.commands and args[0] not in {"--help", "-h"}:
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)


opt_app = typer.Typer(
    cls=_Usual,
    no_args_is_help=True,
    help="Decide about an event by hand:  gridgate opt EVENT in|out --reason TEXT -c FILE  "
    "(all options: gridgate opt event --help), or ahead of events: gridgate opt schedule.",
)
schedule_app = typer.Typer(
    cls=_Usual,
    no_args_is_help=True,
    help="Say ahead when sites take part:  gridgate opt schedule in|out --from T --to T "
    "--reason WORD -c FILE  (all options: gridgate opt schedule create --help).",
)
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what it would come to.")]


@opt_app.command("event", epilog=EXITS)
def opt(  # noqa: PLR0913 - every option of the verb
    event: Annotated[str, typer.Argument(help="The utility's event id.")],
    answer: Annotated[str, typer.Argument(metavar="in|out", help="Take part or not.")],
    config: Config,
    reason: Annotated[str, typer.Option(help="Kept in the log; told to the utility.")],
    utility: Annotated[str, typer.Option(help="Where several use the event id.")] = "",
    site: Annotated[
        list[str] | None,
        typer.Option(help="Where it concerns several; out is then told for these alone."),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Decide about an event by hand.

    The running gateway tells the utility and writes down who decided; the last word counts, also a site's.
    """
    call(
        "gateway.cli.opt:opt",
        config=config,
        event=event,
        answer=answer,
        reason=reason,
        utility=utility,
        sites=tuple(site or ()),
        dry_run=dry_run,
        as_json=as_json,
    )


@schedule_app.command("create", epilog=EXITS)
def schedule_create(  # noqa: PLR0913 - every option of the verb
    answer: Annotated[str, typer.Argument(metavar="in|out", help="Available or not.")],
    config: Config,
    begin: Annotated[
        list[str] | None, typer.Option("--from", help="Start of a window; again for more.")
    ] = None,
    end: Annotated[list[str] | None, typer.Option("--to", help="Its end.")] = None,
    no_end: Annotated[
        bool, typer.Option("--open", help="The last window lasts until it is cancelled.")
    ] = False,
    reason: Annotated[
        str, typer.Option(help="economic, emergency, notParticipating, x-schedule … or x-…")
    ] = "x-schedule",
    utility: Annotated[str, typer.Option(help="Where there are several.")] = "",
    site: Annotated[list[str] | None, typer.Option(help="Only these; else all.")] = None,
    market_context: Annotated[str, typer.Option(help="Only this program.")] = "",
    device_class: Annotated[str, typer.Option(help="Only this device class.")] = "",
    opt_id: Annotated[
        str,
        typer.Option("--id", metavar="ID", help="By it the utility knows it; else one is made."),
    ] = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Say ahead when sites take part.

    The utility is told; new events inside an out window are answered out unless a site says otherwise.
    """
    call(
        "gateway.cli.schedule:create",
        config=config,
        answer=answer,
        given={
            "utility": utility,
            "reason": reason,
            "program": market_context,
            "device_class": device_class,
            "opt_id": opt_id,
        },
        when=(tuple(begin or ()), tuple(end or ()), no_end),
        sites=tuple(site or ()),
        dry_run=dry_run,
        as_json=as_json,
    )


@schedule_app.command("list", epilog=EXITS)
def schedule_list(
    config: Config,
    utility: Annotated[str, typer.Option(help="Only towards this one.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="What is over too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List schedules, and how the utility took each."""
    call(
        "gateway.cli.schedule:listing",
        config=config,
        utility=utility,
        everything=everything,
        as_json=as_json,
    )


@schedule_app.command("cancel", epilog=EXITS)
def schedule_cancel(
    opt_id: Annotated[str, typer.Argument(metavar="ID", help="Or its beginning.")],
    config: Config,
    as_json: AsJson = False,
) -> None:
    """Take a schedule back; the utility is told."""
    call("gateway.cli.schedule:cancel", config=config, opt_id=opt_id, as_json=as_json)


opt_app.add_typer(schedule_app, name="schedule")
