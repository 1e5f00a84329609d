"""The operator's curves: points that modes of a DERControl refer to by their address.

Spec: IEEE 2030.5-2018 DERCurve; DERControlBase (opModVoltVar …).
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.enums import CurveType
from gateway.protocols.sep2.server.book import Book
from gateway.protocols.sep2.server.checks import following, valid
from gateway.protocols.sep2.server.devices import listing
from gateway.protocols.sep2.server.records import Kept, Turn
from gateway.protocols.sep2.server.server import Sep2Server

_PREFIX: Final = "op_mod_"
MODES: Final = {
    name: CurveType[name.removeprefix(_PREFIX).upper()]
    for name in sep.DERControlBase.__dataclass_fields__
    if name.removeprefix(_PREFIX).upper() in CurveType.__members__
}
"""Mode that refers to a curve -> the type that the curve must have."""


class Curves:
    """Makes the curves of a utility; each door returns a turn, which is to be stored and taken.

    Args:
        server: The utility.
    """

    def __init__(self, server: Sep2Server) -> None:
        self.server = server
        self.book = server.book

    def create(self, program: str, curve: sep.DERCurve, now: datetime) -> Turn:
        """Add a curve to a DER program; its mRID, creation time and address are given here.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE`` for points that do not rise, or a type there is not.
        """
        found = self.book.expect(program, sep.DERProgram)
        xs = [point.xvalue for point in curve.curve_data]
        if xs != sorted(xs) or not xs:
            raise MisuseError("BAD_RESOURCE", "the points of a curve are told by rising xvalue")
        if curve.curve_type not in set(CurveType):
            raise MisuseError("BAD_RESOURCE", f"there is no type of curve {curve.curve_type}")
        flavour = self.server.options.flavour
        place, name = f"{found.href}/dc", self.server.new_mrid()
        turn = Turn(at=now, told=name)
        if self.book.entry(place) is None:
            self._list(turn, found, place, now)
        href = f"{place}/{self.server.ids.token()}"
        made = replace(curve, href=href, mrid=name, creation_time=int(now.timestamp()))
        kept = Kept(href=href, kind=sep.DERCurve, place=place, scope=found.href, value=made, at=now)
        turn.keep(valid(flavour, kept))
        return turn

    def _list(self, turn: Turn, program: Kept, place: str, now: datetime) -> None:
        """Give a program its list of curves, and a link to it."""
        value = listing(sep.DERCurveList, place)
        turn.keep(Kept(href=place, kind=sep.DERCurveList, scope=program.href, value=value, at=now))
        if isinstance(program.value, sep.DERProgram):
            told = replace(
                program.value,
                version=following(program.value.version),
                der_curve_list_link=sep.ListLink(href=place),
            )
            turn.keep(valid(self.server.options.flavour, replace(program, value=told)))


def check_curves(book: Book, program: Kept, base: sep.DERControlBase) -> None:
    """Check that every curve a control refers to is one of its program, of the type that the mode asks for.

    Raises:
        MisuseError: ``BAD_RESOURCE``.
    """
    for name, wanted in MODES.items():
        link: sep.Link | None = getattr(base, name)
        if link is None:
            continue
        found = book.entry(link.href)
        curve = found.value if found is not None and found.scope == program.href else None
        if not isinstance(curve, sep.DERCurve) or curve.curve_type != wanted:
            detail = f"no curve of type {int(wanted)} ({wanted.name}) of the program stands at {link.href[:80]}"
            raise MisuseError("BAD_RESOURCE", detail)
