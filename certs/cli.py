"""The command line ``gridgate-certs``: parse arguments, call the package, print.

Exit codes: 0 ok, 1 a problem was found in what was inspected, 2 wrong use.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from certs import render
from certs.files import create, new_files, read
from certs.folder import ANCHOR, AUTHORITY, load, place, save
from certs.inspect import Report, explain
from certs.issue import Leaf, openadr
from certs.profiles import PROFILES, ProfileName, Role
from certs.sep2 import folder as sep2_folder
from certs.sep2 import tell
from certs.sep2.folder import Sep2Role
from certs.sep2.hierarchy import DEPTHS, Depth, sep2
from certs.sep2.judging import judged
from certs.sep2.tell import Made
from gateway.domain.codes.registry import row_of
from gateway.domain.codes.shape import shape
from gateway.domain.errors import GatewayError, MisuseError

FOUND: Final = 1
MISUSED: Final = 2
_EXITS: Final = "Exit codes: 0 ok, 1 found a problem, 2 wrong use."

app: Final = typer.Typer(
    help="Make and explain TEST certificates; the gateway refuses them outside test mode.",
    epilog=_EXITS,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class LeafRole(StrEnum):
    """What a leaf can be issued for; the last four in a folder of the profile sep2."""

    VEN = "ven"
    VTN = "vtn"
    SERVER = "server"
    DEVICE = "device"
    AGGREGATOR = "aggregator"
    SEP2_SERVER = "sep2-server"
    BAD = "bad"


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the hierarchy.")]


@app.command(epilog=_EXITS)
def init(
    folder: Folder,
    profile: Annotated[ProfileName, typer.Option(help="Which hierarchy to make.")],
    host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST", help="Host of a VTN and of a southbound listener.  [default: localhost]"
        ),
    ] = None,
    ven: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Unique id of a VEN.  [default: ven-1]")
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(metavar="SERIAL", help="sep2: serial number of a device.  [default: 0001]"),
    ] = None,
    depth: Annotated[
        int, typer.Option(min=2, max=4, help="sep2: certificates from root to leaf.")
    ] = 4,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a hierarchy in DIR, with its first certificates.

    Nothing that is there is overwritten. Utilities hold RSA and ECC: make one folder of each.
    """
    if profile is ProfileName.SEP2:
        wanted = [(Sep2Role.SEP2_SERVER, name) for name in dict.fromkeys(host or ["localhost"])]
        wanted += [(Sep2Role.DEVICE, name) for name in dict.fromkeys(device or ["0001"])]
        _init_sep2(folder, DEPTHS[depth], wanted, as_json=as_json)
        return
    pki = openadr(PROFILES[profile].value, _now())
    leaves = [pki.ven(name) for name in dict.fromkeys(ven or ["ven-1"])]
    for name in dict.fromkeys(host or ["localhost"]):
        leaves += [pki.vtn(name), pki.server(name)]
    save(pki, leaves, folder)
    files = [(str(folder / ANCHOR), "the root: hand it to every peer, who trusts it")]
    files.append(
        (f"{folder / AUTHORITY}/", "keys of the authorities: they stay here, `issue` uses them")
    )
    _tell(folder, files, leaves, as_json=as_json)


@app.command(epilog=_EXITS)
def issue(
    folder: Folder,
    name: Annotated[str, typer.Argument(metavar="NAME", help="VEN id, or host name.")],
    role: Annotated[LeafRole, typer.Option(help="What the certificate is for.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Issue one more certificate from DIR; with the role bad, NAME is what is wrong with it."""
    if sep2_folder.is_here(folder):
        _issue_sep2(folder, role, name, as_json=as_json)
        return
    if role.value not in {each.value for each in Role}:
        what = f"{folder} is no folder of the profile sep2; issue {role} from one"
        raise MisuseError("WRONG_ROLE", what)
    leaf = load(folder).leaf(Role(role), name)
    create(new_files(leaf, place(folder, leaf)))
    _tell(folder, [], [leaf], as_json=as_json)


@app.command("inspect", epilog=_EXITS)
def inspect_(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Chain, and the anchor or private key beside it."),
    ],
    at: Annotated[
        datetime | None,
        # Typer reads it: the house's own reader would double the time that --help takes, through pydantic.
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%SZ"],
            metavar="INSTANT",
            help="Judge validity at this instant, e.g. 2025-05-03T23:30:00Z.",
        ),
    ] = None,
    *,
    as_sep2: Annotated[
        bool, typer.Option("--sep2", help="Judge it as a peer of IEEE 2030.5 does, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Explain a chain of certificates.

    The FILEs are taken together: usually the chain that a peer sends, with the anchor or the private key beside it.
    Told is who issued whom, for how long, under which names, and what is wrong.
    """
    report = _report(files, at)
    report = judged(report) if as_sep2 else report
    typer.echo(render.report_json(report) if as_json else render.explanation(report))
    raise typer.Exit(FOUND if report.faults else 0)


@app.command(epilog=_EXITS)
def identity(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Certificate, PEM or DER.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Print the fingerprint to hand over."""
    report = _report([file], None)
    if not report.chain:
        typer.echo("\n".join(render.fault_text(fault) for fault in report.faults), err=True)
        raise typer.Exit(FOUND)
    leaf = report.chain[0]
    typer.echo(render.identity_json(leaf) if as_json else render.identity(leaf))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process; every expected fault becomes a sentence, never a traceback.

    Args:
        arguments: Those of the process when none are given.
    """
    try:
        app(arguments, prog_name="gridgate-certs")
    except GatewayError as error:
        row = row_of(error)
        typer.echo("\n".join(shape(row, error.detail or row.title)), err=True)
        sys.exit(MISUSED)


def _init_sep2(
    folder: Path, depth: Depth, wanted: Sequence[tuple[Sep2Role, str]], *, as_json: bool
) -> None:
    pki = sep2(depth)
    leaves = [
        (role, sep2_folder.make(pki, role, name), sep2_folder.place(folder, role, name))
        for role, name in wanted
    ]
    sep2_folder.save(pki, [(leaf, where) for _, leaf, where in leaves], folder)
    files = [(str(folder / ANCHOR), "the root: hand it to every peer, who trusts it")]
    files.append(
        (f"{folder / AUTHORITY}/", "keys of the authorities: they stay here, `issue` uses them")
    )
    _tell_sep2(files, leaves, as_json=as_json)


def _issue_sep2(folder: Path, role: LeafRole, name: str, *, as_json: bool) -> None:
    if role.value not in {each.value for each in Sep2Role}:
        known = ", ".join(Sep2Role)
        what = f"{folder} is of the profile sep2; choose one of {known}"
        raise MisuseError("WRONG_ROLE", what)
    chosen = Sep2Role(role)
    leaf, where = (
        sep2_folder.make(sep2_folder.load(folder), chosen, name),
        sep2_folder.place(folder, chosen, name),
    )
    create(sep2_folder.leaf_content(leaf, where))
    _tell_sep2([], [(chosen, leaf, where)], as_json=as_json)


def _tell_sep2(files: list[tuple[str, str]], leaves: list[Made], *, as_json: bool) -> None:
    document = tell.made_document(files, leaves)
    typer.echo(json.dumps(document, indent=2) if as_json else tell.made(files, leaves))


def _report(files: Iterable[Path], at: datetime | None) -> Report:
    now = _now() if at is None else at.replace(tzinfo=UTC)
    return explain([read(file) for file in files], now)


def _tell(
    folder: Path, files: list[tuple[str, str]], leaves: Iterable[Leaf], *, as_json: bool
) -> None:
    made = [(leaf, place(folder, leaf)) for leaf in leaves]
    typer.echo(render.made_json(files, made) if as_json else render.made(files, made))


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the door to the outside; all below take `now` as an argument


if __name__ == "__main__":
    main()
