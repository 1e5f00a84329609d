"""How a suite's client finds things: by links from the entry on, EndDevices by LFDI, the rest by its description."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from conformance.kit.sep2.acts import ASSIGNMENT, PROGRAM
from conformance.kit.sep2.names import tag
from conformance.kit.sep2.reading import same_hex
from conformance.kit.stage import UnobservedError
from conformance.kit.transcript import Message
from conformance.kit.xml import Element

PAGE: Final = 255
"""Members asked for at once."""
_PAGES: Final = 500
_OK: Final = 200
_MOVED: Final = frozenset({301, 302, 307, 308})
_HOPS: Final = 3
ENTRY: Final = "DeviceCapability"
_OF_ENTRY: Final = frozenset(
    {"Time", "EndDeviceList", "MirrorUsagePointList", "ResponseSetList", "SelfDevice"}
)
_OF_ASSIGNMENT: Final = frozenset({"FunctionSetAssignments", "DERProgramList", "TariffProfileList"})
_OF_PROGRAM: Final = frozenset(
    {
        "DERProgram", "DERControlList", "ActiveDERControlList", "DefaultDERControl", "DERCurveList",
    }
)  # fmt: skip
_OF_DER: Final = frozenset({"DER", "DERCapability", "DERSettings", "DERStatus", "DERAvailability"})
_PREFIX: Final = {"ConnectionPoint": "aus:"}
Get = Callable[[str], Awaitable[Message]]


class Ways:
    """What one client knows of where things lie.

    Args:
        entry: Address of DeviceCapability.
        lfdi: Of the client.
        get: Asks.
    """

    def __init__(self, entry: str, lfdi: str, get: Get) -> None:
        self._entry = urlsplit(entry).path
        self._lfdi = lfdi
        self._get = get
        self._known: dict[tuple[str, str], str] = {}

    def forget(self) -> None:
        """Forget everything but the entry."""
        self._known.clear()

    async def href(self, what: str, of: str = "") -> str:
        """Return where a resource lies.

        Raises:
            UnobservedError: no link leads there.
        """
        if what == ENTRY:
            return self._entry
        of = of or self._usual(what)
        found = self._lookup(what, of)
        if found is None:
            await self._find(what, of)
            found = self._lookup(what, of)
        if found is None:
            raise UnobservedError(f"show a link to {what}{f' of {of}' if of else ''}")
        return found

    async def read(self, what: str, of: str = "") -> Message:
        """GET a resource; redirections are followed."""
        where = await self.href(what, of)
        return await self._read(f"{where}?s=0&l={PAGE}" if what.endswith("List") else where)

    async def members(self, what: str, of: str = "") -> Sequence[Element]:
        """Read a list to its end."""
        return await self._all(await self.href(what, of))

    async def walk(self) -> None:
        """Read everything that a device finds."""
        await self._read(self._entry)
        await self.read("Time")
        device = await self._read(await self.href("EndDevice"))
        if device.status == _OK:
            self._learn_device(device.elements("self::s:EndDevice"))
        if self._lookup("Registration", self._lfdi):
            await self.read("Registration")
        await self._ders(self._lfdi)
        await self._programs(self._lfdi)
        for (what, of), href in list(self._known.items()):
            if what in ("DERControlList", "DERCurveList"):
                await self._all(href)
            elif what == "DefaultDERControl" and of:
                await self._read(href)

    # --- one step after the other

    def _usual(self, what: str) -> str:
        if what in _OF_ENTRY:
            return ""
        if what in _OF_ASSIGNMENT:
            return ASSIGNMENT
        return PROGRAM if what in _OF_PROGRAM else self._lfdi

    def _lookup(self, what: str, of: str) -> str | None:
        exact = self._known.get((what, of))
        if exact is not None or what in _OF_ENTRY | _OF_ASSIGNMENT | _OF_PROGRAM:
            return exact
        rows = (
            href
            for (name, lfdi), href in self._known.items()
            if name == what and same_hex(lfdi, of)
        )
        return next(rows, None)

    async def _find(self, what: str, of: str) -> None:
        if what in _OF_ENTRY:
            self._links(await self._read(self._entry), "")
            return
        if what in _OF_ASSIGNMENT | _OF_PROGRAM:
            await self._search(what, of)
            return
        await self._devices()
        if what in _OF_DER:
            await self._ders(of)

    async def _search(self, what: str, of: str) -> None:
        """Look for an assignment or a program: with the client's own EndDevice first, then with every other."""
        await self._devices()
        seen = [lfdi for name, lfdi in self._known if name == "EndDevice"]
        for lfdi in sorted(seen, key=lambda one: not same_hex(one, self._lfdi)):
            await (self._programs(lfdi) if what in _OF_PROGRAM else self._assignments(lfdi))
            if self._lookup(what, of) is not None:
                return

    async def _devices(self) -> None:
        self._learn_device(await self._all(await self.href("EndDeviceList")))

    def _learn_device(self, rows: Iterable[Element]) -> None:
        for one in rows:
            lfdi = (one.findtext(tag("lFDI")) or "").upper()
            self._learn("EndDevice", lfdi, one)

    async def _ders(self, lfdi: str) -> None:
        where = self._lookup("DERList", lfdi)
        rows = await self._all(where) if where else ()
        for one in rows[:1]:
            self._learn("DER", lfdi, one)

    async def _assignments(self, lfdi: str) -> list[str]:
        where = self._lookup("FunctionSetAssignmentsList", lfdi)
        found = []
        for one in await self._all(where) if where else ():
            name = one.findtext(tag("description")) or ""
            self._learn("FunctionSetAssignments", name, one)
            found.append(name)
        return found

    async def _programs(self, lfdi: str) -> None:
        for name in await self._assignments(lfdi):
            where = self._lookup("DERProgramList", name)
            for one in await self._all(where) if where else ():
                self._learn("DERProgram", one.findtext(tag("description")) or "", one)

    def _links(self, message: Message, of: str) -> None:
        for root in message.elements("self::*"):
            self._learn("", of, root)

    def _learn(self, what: str, of: str, element: Element) -> None:
        """Note where an element and what it links to lie."""
        where = element.get("href")
        if what and where:
            self._known[what, of] = where
        for child in element.iterchildren("{*}*"):
            href = child.get("href")
            name = str(child.tag).rpartition("}")[2]
            if href and name.endswith("Link"):
                self._known[name.removesuffix("Link"), of] = href

    # --- lists

    async def _all(self, where: str) -> Sequence[Element]:
        found: list[Element] = []
        for _ in range(_PAGES):
            page = await self._read(f"{where}?s={len(found)}&l={PAGE}")
            rows = page.elements("self::*[@all]/*")
            found += rows
            total = page.text("@all")
            if not rows or not total.isdigit() or len(found) >= int(total):
                break
        return found

    async def _read(self, where: str) -> Message:
        found = await self._get(where)
        for _ in range(_HOPS):
            if found.status not in _MOVED or not found.header("Location"):
                break
            parts = urlsplit(found.header("Location"))
            found = await self._get(parts.path + (f"?{parts.query}" if parts.query else ""))
        return found
