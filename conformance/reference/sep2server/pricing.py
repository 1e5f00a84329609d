"""What the operator does with tariffs and prices."""

from dataclasses import replace

from conformance.kit.sep2.values import Price, Tariff
from conformance.reference.sep2server.acts import Acts
from conformance.reference.sep2server.events import CANCELLED
from conformance.reference.sep2server.state import HeldComponent, HeldPrice, HeldTariff
from conformance.reference.sep2server.times import whole


class PriceActs(Acts):
    """Tariffs."""

    def put_tariff(self, tariff: Tariff, assignment: str) -> None:
        """Add or replace a tariff, in an assignment."""
        before = self.memory.tariffs.get(tariff.id)
        held = before or HeldTariff(
            number=self._mint.number(), mrid=self._mint.mrid(), tariff=tariff
        )
        held.tariff = tariff
        old = {one.id: one for one in held.components}
        held.components = [
            old.get(name)
            or HeldComponent(number=self._mint.number(), mrid=self._mint.mrid(), id=name)
            for name in tariff.components
        ]
        self.memory.tariffs[tariff.id] = held
        given = self.memory.assignments[assignment]
        given.tariffs = tuple(dict.fromkeys((*given.tariffs, tariff.id)))
        self.changed()

    def price(self, tariff: str, component: str, *prices: Price) -> None:
        """Add prices to a component of a tariff, or replace those of the same id."""
        held = next(c for c in self.memory.tariffs[tariff].components if c.id == component)
        for one in prices:
            before = held.prices.get(one.id)
            held.prices[one.id] = HeldPrice(
                number=before.number if before else self._mint.number(),
                mrid=before.mrid if before else self._mint.mrid(),
                price=replace(one, start=whole(one.start)),
                created=whole(one.created or self.now()),
            )
            self.memory.events.add(held.prices[one.id].mrid)
        self.changed()

    def cancel_price(self, price_id: str) -> None:
        """Cancel a price."""
        for tariff in self.memory.tariffs.values():
            for component in tariff.components:
                held = component.prices.get(price_id)
                if held is not None:
                    held.price = replace(held.price, status=CANCELLED)
        self.changed()
