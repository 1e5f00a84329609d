"""DERPrograms with their defaults, controls and curves.

Spec: IEEE 2030.5-2018 clause 10.10.
"""

from collections.abc import Mapping
from typing import Final

from lxml.etree import _Element as Element

from conformance.kit.sep2.build import link
from conformance.kit.sep2.values import Content
from conformance.reference.sep2server.events import ACTIVE, is_listed, standing
from conformance.reference.sep2server.paging import Row
from conformance.reference.sep2server.paths import Ids, path_of
from conformance.reference.sep2server.state import HeldControl, HeldProgram
from conformance.reference.sep2server.view import Lister, Maker, View


def program(view: View, ids: Ids) -> Element:
    """Make one DERProgram."""
    held = view.memory.program(ids[0])
    content = {
        "mRID": held.mrid,
        "description": held.program.id[:32],
        "version": held.version,
        **view.counted("ActiveDERControlList", "DERControlList", of=ids),
        "primacy": held.program.primacy,
    }
    if held.program.default is not None:
        content |= view.links("DefaultDERControl", of=ids)
    if held.curves:
        content |= view.counted("DERCurveList", of=ids)
    return view.document("DERProgram", ids, content)


def default(view: View, ids: Ids) -> Element | None:
    """Make what holds while no control does."""
    held = view.memory.program(ids[0])
    if held.program.default is None:
        return None
    content = {
        "mRID": held.default_mrid,
        "description": f"default of {held.program.id}"[:32],
        "version": held.default_version,
        "DERControlBase": _base(held, held.program.default),
        **held.program.default_settings,
    }
    return view.document("DefaultDERControl", ids, content, {"subscribable": 1})


def control(view: View, ids: Ids) -> Element | None:
    """Make one DERControl."""
    held = view.memory.program(ids[0])
    one = held.controls.get(ids[1])
    if one is None or not is_listed(one, view.now, view.polled):
        return None
    now = standing(one, list(held.controls.values()), view.now)
    what = one.control
    content = {
        "mRID": one.mrid,
        "description": what.id[:32],
        "version": now.version,
        "creationTime": one.created,
        "EventStatus": {
            "currentStatus": now.status,
            "dateTime": now.since,
            "potentiallySuperseded": now.partly is not None,
            "potentiallySupersededTime": now.partly,
        },
        "interval": {"duration": what.lasts, "start": what.start},
        "randomizeDuration": what.random_lasts,
        "randomizeStart": what.random_start,
        "DERControlBase": _base(held, what.base),
        "deviceCategory": what.category or None,
    }
    answered = {"replyTo": path_of("ResponseList"), "responseRequired": what.required}
    return view.document("DERControl", ids, content, answered if what.required else {})


def curve(view: View, ids: Ids) -> Element | None:
    """Make one DERCurve."""
    held = view.memory.program(ids[0])
    for what in held.program.curves:
        own = held.curves[what.id]
        if own.number == ids[1]:
            content = {
                "mRID": own.mrid,
                "description": what.id[:32],
                "creationTime": own.created,
                "CurveData": [{"xvalue": x, "yvalue": y} for x, y in what.points],
                "curveType": what.type,
                "xMultiplier": 0,
                "yMultiplier": 0,
                "yRefType": 0,
                **what.content,
            }
            return view.document("DERCurve", ids, content)
    return None


def _base(held: HeldProgram, base: Content) -> Content:
    """Return a DERControlBase: the id of a curve becomes a link to it."""

    def shown(value: object) -> object:
        own = held.curves.get(value) if isinstance(value, str) else None
        return link(path_of("DERCurve", held.number, own.number)) if own else value

    return {name: shown(value) for name, value in base.items()}


# --- lists


def program_rows(view: View, ids: Ids) -> list[Row]:
    """List the programs of an assignment: by primacy, then mRID downwards."""
    given = next(a for a in view.memory.assignments.values() if a.number == ids[1])
    known = [view.memory.programs[p] for p in given.programs if p in view.memory.programs]
    known.sort(key=lambda one: one.mrid, reverse=True)
    return [Row(ids=(p.number,)) for p in sorted(known, key=lambda one: one.program.primacy)]


def control_rows(view: View, ids: Ids) -> list[Row]:
    """List the controls of a program."""
    return [_row(ids, one) for one in _listed(view, ids)]


def active_rows(view: View, ids: Ids) -> list[Row]:
    """List the controls of a program that are active now."""
    others = list(view.memory.program(ids[0]).controls.values())
    shown = _listed(view, ids)
    return [_row(ids, one) for one in shown if standing(one, others, view.now).status == ACTIVE]


def curve_rows(view: View, ids: Ids) -> list[Row]:
    """List the curves of a program: the newest first."""
    held = view.memory.program(ids[0]).curves.values()
    newest = sorted(held, key=lambda one: (one.created, one.mrid), reverse=True)
    return [Row(ids=(ids[0], one.number)) for one in newest]


def _listed(view: View, ids: Ids) -> list[HeldControl]:
    """Return the controls of a list: by start, then the newest first, then mRID downwards."""
    held = view.memory.program(ids[0]).controls.values()
    found = [one for one in held if is_listed(one, view.now, view.polled)]
    found.sort(key=lambda one: (one.created, one.mrid), reverse=True)
    return sorted(found, key=lambda one: one.control.start)


def _row(ids: Ids, one: HeldControl) -> Row:
    return Row(ids=(ids[0], one.number), at=one.control.start)


MAKERS: Final[Mapping[str, Maker]] = {
    "DERProgram": program,
    "DefaultDERControl": default,
    "DERControl": control,
    "DERCurve": curve,
}
LISTS: Final[Mapping[str, Lister]] = {
    "DERProgramList": Lister(member="DERProgram", members=program_rows, subscribable=True),
    "DERControlList": Lister(member="DERControl", members=control_rows, subscribable=True),
    "ActiveDERControlList": Lister(member="DERControl", members=active_rows),
    "DERCurveList": Lister(member="DERCurve", members=curve_rows),
}
