"""The documents of the scripted server, made from its tree when they are asked for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from conformance.kit.sep2.build import link, make
from conformance.kit.sep2.names import NS
from conformance.kit.sep2.values import Account, Content, Control
from conformance.kit.xml import Element
from conformance.peers.scriptsep2 import tariffs
from conformance.peers.scriptsep2.tree import USUAL, Key, Tree

_DER_PARTS: Final = ("DERAvailability", "DERCapability", "DERSettings", "DERStatus")
_SLOTS: Final = (*_DER_PARTS, "DeviceInformation", "ConnectionPoint")
"""What the client fills: there is a place for it before there is a document."""
_OWNED: Final[Mapping[str, str]] = {
    "Registration": "EndDevice",
    "FunctionSetAssignmentsList": "EndDevice",
    "DERList": "EndDevice",
    "DER": "EndDevice",
    "LogEventList": "EndDevice",
    "SubscriptionList": "EndDevice",
    "DERProgramList": "FunctionSetAssignments",
    "DERControlList": "DERProgram",
    "DERCurveList": "DERProgram",
    **dict.fromkeys(_SLOTS, "EndDevice"),
}
"""What goes with something else."""
_SCHEDULED, _ACTIVE = 0, 1


class Documents:
    """Makes them.

    Args:
        tree: What there is.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def has(self, key: Key) -> bool:
        """Say whether there is such a resource now."""
        name, *ids = key
        tree = self._tree
        known: Mapping[str, object] = {
            "EndDevice": tree.accounts,
            "DERProgram": tree.programs,
            "FunctionSetAssignments": tree.assignments,
        }
        if name in known:
            return ids[-1] in known[name]  # type: ignore[operator] # each is a mapping
        if name == "DERControl":
            return ids[1] in tree.controls.get(ids[0], {})
        if name == "DefaultDERControl":
            return ids[0] in tree.programs and tree.programs[ids[0]].default is not None
        owners: Mapping[str, object] = known.get(_OWNED.get(name, ""), {})  # type: ignore[assignment] # each is one
        if name in _OWNED and ids[0] not in owners:
            return False
        return name in _MAKERS or name in _LISTS or name in _SLOTS or key in tree.posted

    def make(self, key: Key, now: datetime, query: Mapping[str, str]) -> Element | None:
        """Make the document of a resource; None: it has none (yet)."""
        name, *ids = key
        if key in self._tree.posted:
            return self._kept(key)
        if name in _LISTS:
            return self._list(key, now, query)
        if name not in _MAKERS or not self.has(key):
            return None
        content, attributes = _MAKERS[name](self, ids, now)
        return make(
            name, content, {"href": self._tree.href(*key), **attributes}, aus=self._tree.aus
        )

    def _kept(self, key: Key) -> Element:
        found = self._tree.posted[key]
        found.set("href", self._tree.href(*key))
        if key[0] == "MirrorUsagePoint":
            for old in found.findall(f"{{{NS}}}postRate"):
                found.remove(old)
            rate = make("MirrorUsagePoint", {"postRate": self._tree.rates.post})
            found.append(rate[0])
        return found

    def _list(self, key: Key, now: datetime, query: Mapping[str, str]) -> Element:
        name, *ids = key
        members = _LISTS[name](self, ids, now)
        first = int(query.get("s", "0"))
        most = min(int(query.get("l", "1")), self._tree.page)
        shown = members[first : first + most]
        attributes: dict[str, object] = {
            "href": self._tree.href(*key),
            "all": len(members),
            "results": len(shown),
            "pollRate": self._poll(name),
        }
        if name in self._tree.subscribable:
            attributes["subscribable"] = 1
        root = make(name, {}, attributes, aus=self._tree.aus)
        for member in shown:
            found = self.make(member, now, {})
            if found is not None:
                root.append(found)
        return root

    def _poll(self, name: str) -> int | None:
        if name in _UNRATED:
            return None
        return self._tree.rates.poll if name in _POLLED else self._tree.rates.walk

    def _links(self, *names: str, of: Sequence[str] = ()) -> dict[str, Element]:
        return {f"{name}Link": link(self._tree.href(name, *of)) for name in names}

    def _counted(self, now: datetime, *names: str, of: Sequence[str] = ()) -> dict[str, Element]:
        """Return links to lists, with their lengths."""
        found = {}
        for name in names:
            members = _LISTS[name](self, list(of), now)
            found[f"{name}Link"] = link(self._tree.href(name, *of), len(members))
        return found

    # --- one maker per resource: content and attributes

    def device_capability(self, _: list[str], now: datetime) -> tuple[Content, Content]:
        """Return the entry."""
        lists = ("EndDeviceList", "MirrorUsagePointList", "ResponseSetList")
        content = {**self._links("Time"), **self._counted(now, *lists)}
        return content, {"pollRate": self._tree.rates.walk}

    def time(self, _: list[str], now: datetime) -> tuple[Content, Content]:
        """Return the clock."""
        shown = now + self._tree.offset
        content = {
            "currentTime": shown,
            "dstEndTime": 0,
            "dstOffset": 0,
            "dstStartTime": 0,
            "quality": 7,
            "tzOffset": 0,
            **self._tree.time_fields,
        }
        return content, {"pollRate": self._tree.rates.walk}

    def end_device(self, ids: list[str], now: datetime) -> tuple[Content, Content]:
        """Return one EndDevice."""
        account = self._tree.accounts[ids[0]]
        lists = ["DERList", "FunctionSetAssignmentsList", "LogEventList"]
        if self._tree.subscribable and ids[0] == self._tree.own:
            lists.append("SubscriptionList")
        links = {**self._counted(now, *lists, of=ids), **self._links("DeviceInformation", of=ids)}
        if account.pin is not None:
            links |= self._links("Registration", of=ids)
        if self._tree.aus:
            links["aus:ConnectionPointLink"] = link(self._tree.href("ConnectionPoint", *ids))
        content = {
            **links,
            "lFDI": account.lfdi,
            "sFDI": sfdi(account.lfdi),
            "changedTime": now,
            "enabled": account.enabled,
            "postRate": account.post_s,
            **account.content,
        }
        return content, {}

    def registration(self, ids: list[str], now: datetime) -> tuple[Content, Content]:
        """Return the PIN."""
        pin = self._tree.accounts[ids[0]].pin or 0
        return {"dateTimeRegistered": now, "pIN": pin}, {"pollRate": self._tree.rates.walk}

    def assignment(self, ids: list[str], now: datetime) -> tuple[Content, Content]:
        """Return one FunctionSetAssignments."""
        one = self._tree.assignments[ids[1]]
        priced = ("TariffProfileList",) if one.id in self._tree.tariffs_of else ()
        content = {
            **self._links("Time"),
            **self._counted(now, "DERProgramList", *priced, of=(one.id,)),
            "mRID": self._tree.mrid(one.id, one.mrid),
            "description": one.id,
        }
        return content, {}

    def program(self, ids: list[str], now: datetime) -> tuple[Content, Content]:
        """Return one DERProgram."""
        one = self._tree.programs[ids[0]]
        content: dict[str, object] = {
            "mRID": self._tree.mrid(one.id, one.mrid),
            "description": one.id,
            "primacy": one.primacy,
            **self._counted(now, "DERControlList", of=ids),
        }
        if one.default is not None:
            content |= self._links("DefaultDERControl", of=ids)
        if one.curves:
            content |= self._counted(now, "DERCurveList", of=ids)
        return content, {}

    def default(self, ids: list[str], _: datetime) -> tuple[Content, Content]:
        """Return a program's default."""
        one = self._tree.programs[ids[0]]
        name = f"default of {one.id}"
        base = self._base(one.default or {}, one.id)
        content = {"mRID": self._tree.mrid(name), "description": name[:32], "DERControlBase": base}
        marked = {"subscribable": 1} if "DefaultDERControl" in self._tree.subscribable else {}
        return {**content, **one.default_settings}, marked

    def control(self, ids: list[str], now: datetime) -> tuple[Content, Content]:
        """Return one DERControl."""
        one = self._tree.controls[ids[0]][ids[1]]
        content = {
            "mRID": self._tree.mrid(one.id, one.mrid),
            "description": one.id,
            "version": one.version,
            "creationTime": self._shown(one.created or now),
            "EventStatus": self._status(one, now),
            "interval": {"duration": one.lasts, "start": self._shown(one.start)},
            "randomizeDuration": one.random_lasts,
            "randomizeStart": one.random_start,
            "DERControlBase": self._base(one.base, ids[0]),
            "deviceCategory": one.category or None,
        }
        if not one.required:
            return content, {}
        reply = self._tree.href("ResponseList", "all")
        return content, {"replyTo": reply, "responseRequired": one.required}

    def _shown(self, at: datetime) -> datetime:
        """Return an instant as the server's clock shows it."""
        return at + self._tree.offset

    def _base(self, base: Content, program: str) -> Content:
        """Return a DERControlBase; the id of a curve becomes a link to it."""
        curves = {curve.id for curve in self._tree.programs[program].curves}

        def shown(value: object) -> object:
            is_curve = isinstance(value, str) and value in curves
            return link(self._tree.href("DERCurve", program, str(value))) if is_curve else value

        rows: Iterable[tuple[str, object]] = base.items()
        if self._tree.mode != USUAL:
            rows = (_limiting(self._tree.mode, v) if n == USUAL else (n, v) for n, v in rows)
        return {name: shown(value) for name, value in rows}

    def _status(self, one: Control, now: datetime) -> Content:
        active = one.start <= now
        status = (_ACTIVE if active else _SCHEDULED) if one.status is None else one.status
        moment = one.changed or (one.start if active else one.created or now)
        return {
            "currentStatus": status,
            "dateTime": self._shown(moment),
            "potentiallySuperseded": False,
        }

    def curve(self, ids: list[str], now: datetime) -> tuple[Content, Content]:
        """Return one DERCurve."""
        one = next(c for c in self._tree.programs[ids[0]].curves if c.id == ids[1])
        content = {
            "mRID": self._tree.mrid(one.id),
            "description": one.id,
            "creationTime": now - timedelta(days=1),
            "CurveData": [{"xvalue": x, "yvalue": y} for x, y in one.points],
            "curveType": one.type,
            "xMultiplier": 0,
            "yMultiplier": 0,
            "yRefType": 0,
            **one.content,
        }
        return content, {}

    def der(self, ids: list[str], _: datetime) -> tuple[Content, Content]:
        """Return one DER."""
        return self._links(*_DER_PARTS, of=ids), {}

    def response_set(self, ids: list[str], now: datetime) -> tuple[Content, Content]:
        """Return the one ResponseSet."""
        content = {
            "mRID": self._tree.mrid("responses"),
            **self._counted(now, "ResponseList", of=ids),
        }
        return content, {}

    # --- members of the lists

    def accounts(self, _: list[str], __: datetime) -> list[Key]:
        """List EndDevices; the client's own is the last."""
        return [("EndDevice", lfdi) for lfdi in self._tree.accounts]

    def assigned(self, ids: list[str], _: datetime) -> list[Key]:
        """List the assignments of a device."""
        account: Account = self._tree.accounts[ids[0]]
        names = sorted(account.assignments, key=self._tree.mrid, reverse=True)
        return [("FunctionSetAssignments", ids[0], name) for name in names]

    def programs(self, ids: list[str], _: datetime) -> list[Key]:
        """List the programs of an assignment."""
        return [("DERProgram", one.id) for one in self._tree.programs_of(ids[0])]

    def controls(self, ids: list[str], now: datetime) -> list[Key]:
        """List the controls of a program."""
        return [("DERControl", ids[0], one.id) for one in self._tree.listed(ids[0], now)]

    def curves(self, ids: list[str], _: datetime) -> list[Key]:
        """List the curves of a program."""
        return [("DERCurve", ids[0], one.id) for one in self._tree.programs[ids[0]].curves]

    def ders(self, ids: list[str], _: datetime) -> list[Key]:
        """List the DERs of a device."""
        return [("DER", ids[0], str(n)) for n in range(self._tree.accounts[ids[0]].ders)]

    def response_sets(self, _: list[str], __: datetime) -> list[Key]:
        """List the one ResponseSet."""
        return [("ResponseSet", "all")]


def _limiting(mode: str, percent: object) -> tuple[str, object]:
    """Return the mode that takes the place of a cap on generation: consumption in percent, or watts of a megawatt."""
    hundredths = int(str(percent))
    if mode == "opModFixedW":
        return mode, -hundredths
    return mode, {"multiplier": 2, "value": hundredths}


def sfdi(lfdi: str) -> int:
    """Return the SFDI of an LFDI: 36 bits and a digit that makes the digits sum to a multiple of ten (6.3.3)."""
    number = int(lfdi[:9], 16)
    return number * 10 + -sum(map(int, str(number))) % 10


def _maker(made: Callable[[Tree, list[str], datetime], tariffs.Made]) -> "Maker":
    return lambda documents, ids, now: made(documents._tree, ids, now)  # noqa: SLF001 - likewise


def _members(
    made: Callable[[Tree, list[str], datetime], list[Key]],
) -> Callable[[Documents, list[str], datetime], list[Key]]:
    return lambda documents, ids, now: made(documents._tree, ids, now)  # noqa: SLF001 - likewise


Maker = Callable[[Documents, list[str], datetime], tuple[Content, Content]]
_MAKERS: Final[Mapping[str, Maker]] = {
    "DeviceCapability": Documents.device_capability,
    "Time": Documents.time,
    "EndDevice": Documents.end_device,
    "Registration": Documents.registration,
    "FunctionSetAssignments": Documents.assignment,
    "DERProgram": Documents.program,
    "DefaultDERControl": Documents.default,
    "DERControl": Documents.control,
    "DERCurve": Documents.curve,
    "DER": Documents.der,
    "ResponseSet": Documents.response_set,
    **{name: _maker(made) for name, made in tariffs.MAKERS.items()},
}


def _created(name: str) -> Callable[[Documents, list[str], datetime], list[Key]]:
    def members(documents: Documents, ids: list[str], _: datetime) -> list[Key]:
        return documents._tree.lists.get((name, *ids), [])  # noqa: SLF001 - a method in all but name

    return members


_LISTS: Final[Mapping[str, Callable[[Documents, list[str], datetime], list[Key]]]] = {
    "EndDeviceList": Documents.accounts,
    "FunctionSetAssignmentsList": Documents.assigned,
    "DERProgramList": Documents.programs,
    "DERControlList": Documents.controls,
    "DERCurveList": Documents.curves,
    "DERList": Documents.ders,
    "ResponseSetList": Documents.response_sets,
    "ResponseList": _created("ResponseList"),
    "MirrorUsagePointList": _created("MirrorUsagePointList"),
    "LogEventList": _created("LogEventList"),
    "SubscriptionList": _created("SubscriptionList"),
    **{name: _members(made) for name, made in tariffs.LISTS.items()},
}
_POLLED: Final = ("DERProgramList", "TariffProfileList")
_UNRATED: Final = (
    "DERControlList", "DERCurveList", "ResponseList", "RateComponentList", "TimeTariffIntervalList",
    "ConsumptionTariffIntervalList",
)  # fmt: skip
"""Lists without a pollRate."""
