"""Prices: tariffs read along their links, what does not change once, and each interval taken as an event.

Spec: IEEE 2030.5-2018 clause 10.5; CSIP-AUS client procedures PRC-01 to PRC-05.
"""

from lxml.etree import _Element as Element

from conformance.reference.sep2client.events import PRICE
from conformance.reference.sep2client.link import Link
from conformance.reference.sep2client.memory import Program
from conformance.reference.sep2client.wire import every, href, number, rate, text

Found = tuple[Program, Element, dict[str, str]]
"""Component, interval, and the price by the component's mRID."""


class Tariffs:
    """Reads them.

    Args:
        link: To the server.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._components: dict[tuple[str, str, str], list[Element]] = {}
        """By mRID, version and length of the list of components."""
        self._prices: dict[str, int] = {}
        """By mRID of an interval."""

    async def read(self, where: str) -> tuple[int, list[Found]]:
        """Read every tariff of a list; return the pollRate and the intervals."""
        first, profiles = await self._link.members(where, "TariffProfile")
        found: list[Found] = []
        for profile in profiles:
            exponent, primacy = (
                number(profile, "pricePowerOfTenMultiplier"),
                number(profile, "primacy"),
            )
            for component in await self._of(profile):
                program = Program(mrid=text(component, "mRID"), primacy=primacy)
                intervals = href(component, "TimeTariffIntervalListLink")
                _, rows = await self._link.members(intervals, "TimeTariffInterval")
                for row in rows:
                    price = await self._price(row) * 10.0**exponent
                    found.append(
                        (program, row, {f"{PRICE}{text(component, 'mRID')}": f"{price:g}"})
                    )
        return rate(first), found

    async def _of(self, profile: Element) -> list[Element]:
        """Return the components of a tariff; read again when the tariff says that they changed."""
        lists = every(profile, "RateComponentListLink")
        if not lists:
            return []
        key = text(profile, "mRID"), text(profile, "version"), lists[0].get("all", "")
        if key not in self._components:
            _, found = await self._link.members(lists[0].get("href", ""), "RateComponent")
            self._components[key] = found
        return self._components[key]

    async def _price(self, interval: Element) -> int:
        mrid = text(interval, "mRID")
        if mrid not in self._prices:
            where = href(interval, "ConsumptionTariffIntervalListLink")
            _, steps = await self._link.members(where, "ConsumptionTariffInterval")
            self._prices[mrid] = number(steps[0], "price") if steps else 0
        return self._prices[mrid]
