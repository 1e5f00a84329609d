"""The operator's tariffs: profiles, their rate components, and prices in time; cancelled as any event, never edited.

Spec: IEEE 2030.5-2018 TariffProfile, RateComponent, TimeTariffInterval, ConsumptionTariffInterval.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.enums_device import RoleFlag, Service
from gateway.protocols.sep2.server.checks import following, valid
from gateway.protocols.sep2.server.devices import listing
from gateway.protocols.sep2.server.issuing import Issuer
from gateway.protocols.sep2.server.programs import PROGRAMS
from gateway.protocols.sep2.server.records import Kept, Turn
from gateway.protocols.sep2.server.server import Sep2Server
from gateway.protocols.sep2.server.terms import EventTerms

MOST_BLOCKS: Final = 17
"""Consumption blocks are numbered 0 to 16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffTerms:
    """What an operator says of a tariff."""

    primacy: int
    currency: int = 840
    """ISO 4217, by number."""
    power_of_ten: int = 0
    """Of prices: -3 tells them in thousandths."""
    description: str | None = None
    rate_code: str | None = None


class Tariffs:
    """Makes the tariffs of a utility; each door returns a turn, which is to be stored and taken.

    Args:
        server: The utility.
    """

    def __init__(self, server: Sep2Server) -> None:
        self.server = server
        self.book = server.book

    def create_tariff(self, terms: TariffTerms, fsas: Iterable[str], now: datetime) -> Turn:
        """Make a tariff; components come to it by ``create_component``.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE`` assignment, ``BAD_RESOURCE``.
        """
        href, name = f"/tp/{self.server.ids.token()}", self.server.new_mrid()
        turn = Turn(at=now, told=name)
        self._list(turn, f"{href}/rc", sep.RateComponentList, href, now)
        made = sep.TariffProfile(
            href=href,
            mrid=name,
            description=terms.description,
            currency=terms.currency,
            price_power_of_ten_multiplier=terms.power_of_ten,
            primacy=terms.primacy,
            rate_code=terms.rate_code,
            rate_component_list_link=sep.ListLink(href=f"{href}/rc"),
            service_category_kind=Service.ELECTRICITY,
        )
        self._keep(turn, made, "", href, now)
        for fsa in fsas:
            turn.members[self._place_in(fsa), href] = True
        return turn

    def create_component(
        self,
        tariff: str,
        reading_type: sep.ReadingType,
        now: datetime,
        description: str | None = None,
        limits: tuple[sep.UnitValueType, sep.UnitValueType] | None = None,
    ) -> Turn:
        """Make a component of a tariff.

        Args:
            tariff: Its mRID.
            reading_type: What its prices are per, e.g. uom 72 (Wh) in thousands.
            now: Current instant.
            description: For people.
            limits: Between which rates of flow it counts; None: at any.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``.
        """
        profile = self.book.expect(tariff, sep.TariffProfile)
        place = f"{profile.href}/rc"
        href, name = f"{place}/{self.server.ids.token()}", self.server.new_mrid()
        turn = Turn(at=now, told=name)
        self._list(turn, f"{href}/tti", sep.TimeTariffIntervalList, profile.href, now)
        self._keep(turn, replace(reading_type, href=f"{href}/rt"), "", profile.href, now)
        low, high = limits or (None, None)
        made = sep.RateComponent(
            href=href,
            mrid=name,
            description=description,
            flow_rate_start_limit=low,
            flow_rate_end_limit=high,
            reading_type_link=sep.Link(href=f"{href}/rt"),
            role_flags=RoleFlag.PREMISES_AGGREGATION_POINT,
            time_tariff_interval_list_link=sep.ListLink(href=f"{href}/tti"),
        )
        self._keep(turn, made, place, profile.href, now)
        self._changed(turn, profile)
        return turn

    def remove_component(self, component: str, now: datetime) -> Turn:
        """Take a component out of its tariff, with everything below it.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``.
        """
        found = self.book.expect(component, sep.RateComponent)
        turn = Turn(at=now, told=component)
        below = f"{found.href}/"
        for href in self.book.entries:
            if href == found.href or href.startswith(below):
                turn.kept[href] = None
        profile = self.book.entry(found.scope)
        if profile is not None:
            self._changed(turn, profile)
        return turn

    def create_price(
        self,
        component: str,
        blocks: Sequence[sep.ConsumptionTariffInterval],
        tier: int,
        terms: EventTerms,
        now: datetime,
    ) -> Turn:
        """Issue the price of an interval.

        Args:
            component: mRID of a RateComponent.
            blocks: By rising ``start_value``, the first from 0 on.
            tier: touTier, 0 to 15.
            terms: When, and which responses are wanted.
            now: Current instant.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``, ``RESOURCE_EXISTS``.
        """
        starts = [block.start_value for block in blocks]
        if starts != sorted(set(starts)) or starts[:1] != [0] or len(starts) > MOST_BLOCKS:
            detail = f"blocks rise from 0 on, and are {MOST_BLOCKS} at most"
            raise MisuseError("BAD_RESOURCE", detail)
        found = self.book.expect(component, sep.RateComponent)
        issuer = Issuer(self.server)
        made = sep.TimeTariffInterval(
            **issuer.randomizable(terms, now),  # type: ignore[arg-type] # by name
            tou_tier=tier,
        )
        turn = issuer.issue(f"{found.href}/tti", found.scope, made, now)
        (one,) = turn.kept.values()
        if one is None or not isinstance(one.value, sep.TimeTariffInterval):
            raise MisuseError("BAD_RESOURCE", "no price was issued")
        place = f"{one.href}/cti"
        told = replace(one.value, consumption_tariff_interval_list_link=sep.ListLink(href=place))
        turn.keep(valid(self.server.options.flavour, replace(one, value=told)))
        self._list(turn, place, sep.ConsumptionTariffIntervalList, found.scope, now)
        for number, block in enumerate(blocks, 1):
            self._keep(turn, replace(block, href=f"{place}/{number}"), place, found.scope, now)
        return turn

    # --- inside

    def _changed(self, turn: Turn, profile: Kept) -> None:
        """Count a change of what a tariff has below it as a version of its own (CSIP-AUS PRC-05)."""
        if isinstance(profile.value, sep.TariffProfile):
            version = following(profile.value.version)
            turn.keep(replace(profile, value=replace(profile.value, version=version)))

    def _place_in(self, fsa: str) -> str:
        found = self.book.expect(fsa, sep.FunctionSetAssignments)
        link: sep.ListLink | None = getattr(found.value, PROGRAMS[sep.TariffProfile].link)
        if link is None:
            detail = f"assignment {fsa} was made before there were tariffs; make another"
            raise MisuseError("UNKNOWN_RESOURCE", detail)
        return link.href

    def _list(
        self, turn: Turn, href: str, kind: type[sep.Resource], scope: str, now: datetime
    ) -> None:
        turn.keep(Kept(href=href, kind=kind, scope=scope, value=listing(kind, href), at=now))

    def _keep(self, turn: Turn, value: sep.Resource, place: str, scope: str, now: datetime) -> None:
        one = Kept(
            href=value.href or "", kind=type(value), place=place, scope=scope, value=value, at=now
        )
        turn.keep(valid(self.server.options.flavour, one))
