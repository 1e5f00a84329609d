"""``gridgate store``: the verbs and their options."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import EXITS, AsJson, Config
from gateway.cli.calling import call as _call

store_app = typer.Typer(no_args_is_help=True, help="Check, back up, restore or migrate the store.")


@store_app.command("check", epilog=EXITS)
def store_check(config: Config, as_json: AsJson = False) -> None:
    """Look the store over: file, digests, log, backlog, disk."""
    _call("gateway.cli.store:check", config=config, as_json=as_json)


@store_app.command("backup", epilog=EXITS)
def store_backup(
    out: Annotated[Path, typer.Argument(help="New file; its digest comes beside it.")],
    config: Config,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Also write OUT.keys (secret, mode 0600).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy the store and verify the copy, while the gateway runs or not."""
    _call("gateway.cli.store:backup", config=config, out=out, with_keys=with_keys, as_json=as_json)


@store_app.command("restore", epilog=EXITS)
def store_restore(
    file: Annotated[Path, typer.Argument(help="Backup.")],
    config: Config,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="Also put these keys back (OUT.keys).")
    ] = None,
    above: Annotated[int, typer.Option(help="Highest epoch that a site has seen, if known.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the store's place; the replaced store is kept."""
    _call(
        "gateway.cli.store:restored",
        config=config,
        file=file,
        keys=keys,
        above=above,
        as_json=as_json,
    )


@store_app.command("upgrade", epilog=EXITS)
def store_upgrade(config: Config, as_json: AsJson = False) -> None:
    """Migrate a stopped store, after a backup beside it."""
    _call("gateway.cli.store:upgrade", config=config, as_json=as_json)
