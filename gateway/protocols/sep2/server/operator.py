"""The operator's doors: devices, assignments, programs, rates; events are those of ``Issuer``.

Each returns a turn; ``told`` names what it made. What is said here is trusted to be meant, but checked to be possible.

Spec: IEEE 2030.5-2018 clauses 8.5 (EndDevice), 8.7 (assignments), 10.10 (DER programs).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.identity import lfdi, pin_doubt
from gateway.protocols.sep2.server.checks import checked, following, valid
from gateway.protocols.sep2.server.curves import Curves, check_curves
from gateway.protocols.sep2.server.devices import NewDevice, add_device, drop_device, listing
from gateway.protocols.sep2.server.mirrors import MIRRORS
from gateway.protocols.sep2.server.moves import move
from gateway.protocols.sep2.server.programs import PROGRAMS
from gateway.protocols.sep2.server.records import Kept, Turn
from gateway.protocols.sep2.server.server import Sep2Server
from gateway.protocols.sep2.server.watching import MOVED

Program: TypeAlias = (
    sep.DERProgram | sep.DemandResponseProgram | sep.MessagingProgram | sep.TariffProfile
)
LOCALE: Final = "en"
"""Of messages."""


class Operator:
    """What an operator may do to a utility.

    Args:
        server: The utility.
    """

    def __init__(self, server: Sep2Server) -> None:
        self.server = server
        self.book = server.book

    # --- devices

    def register(self, new: NewDevice, now: datetime) -> Turn:
        """Register a device or an aggregator.

        Raises:
            MisuseError: ``RESOURCE_EXISTS``, ``UNKNOWN_RESOURCE`` for an unknown manager, ``BAD_RESOURCE``.
        """
        name = checked(lambda: lfdi(new.lfdi))
        if self.book.device(name) is not None:
            raise MisuseError("RESOURCE_EXISTS", f"{name} is registered")
        manager = checked(lambda: lfdi(new.manager)) if new.manager else ""
        if manager and self.book.device(manager) is None:
            raise MisuseError(
                "UNKNOWN_RESOURCE", f"no device has the LFDI {manager}, which is to manage"
            )
        if new.pin is not None:
            pin = new.pin
            checked(lambda: pin_doubt(pin))
        turn = Turn(at=now, told=name)
        made = replace(new, lfdi=name, manager=manager)
        add_device(turn, made, self.server.ids.token(), self.server.options)
        return turn

    def unregister(self, name: str, now: datetime) -> Turn:
        """Forget a device with everything that is its own.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``.
        """
        device = self._device(name)
        turn = Turn(at=now, told=device.scope)
        drop_device(turn, device, self.book)
        return turn

    def set_pin(self, name: str, pin: int, now: datetime) -> Turn:
        """Change the PIN of a registered device.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``.
        """
        device = self._device(name)
        checked(lambda: pin_doubt(pin))
        found = self.book.entry(f"{device.href}/rg")
        if found is None or not isinstance(found.value, sep.Registration):
            raise MisuseError(
                "UNKNOWN_RESOURCE", "the device has no Registration; register it with a PIN"
            )
        return self._replaced(found, replace(found.value, pin=pin), now)

    # --- assignments

    def create_fsa(self, now: datetime, description: str | None = None) -> Turn:
        """Make an assignment: programs come to it by ``create_program``, devices by ``assign``."""
        options = self.server.options
        href, name = f"/fsa/{self.server.ids.token()}", self.server.new_mrid()
        turn = Turn(at=now, told=name)
        links = {}
        for kind in PROGRAMS.values():
            place = f"{href}/{kind.link.removesuffix('_list_link').rpartition('_')[0]}"
            links[kind.link] = sep.ListLink(href=place)
            value = listing(kind.listed, place, options.event_poll_rate)
            turn.keep(Kept(href=place, kind=kind.listed, scope=href, value=value, at=now))
        made = sep.FunctionSetAssignments(
            href=href,
            mrid=name,
            description=description,
            subscribable=1,
            time_link=sep.Link(href="/tm"),
            **links,  # type: ignore[arg-type] # by name
        )
        turn.keep(
            valid(
                self.server.options.flavour,
                Kept(href=href, kind=type(made), scope=href, value=made, at=now),
            )
        )
        return turn

    def assign(self, fsa: str, devices: Iterable[str], now: datetime, *, on: bool = True) -> Turn:
        """Give an assignment to devices, or take it from them.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``.
        """
        found = self.book.expect(fsa, sep.FunctionSetAssignments)
        turn = Turn(at=now, told=fsa)
        for name in devices:
            turn.members[self._fsa_list(self._device(name)), found.href] = on
        return turn

    def attach(self, program: str, fsas: Iterable[str], now: datetime, *, on: bool = True) -> Turn:
        """Let a program be part of assignments, or of those no more.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``.
        """
        found = self.book.expect(program, *PROGRAMS)
        turn = Turn(at=now, told=program)
        for name in fsas:
            turn.members[self._program_list(name, found.kind), found.href] = on
        return turn

    # --- programs

    def create_program(
        self,
        kind: type[sep.DERProgram | sep.DemandResponseProgram | sep.MessagingProgram],
        primacy: int,
        fsas: Iterable[str],
        now: datetime,
        description: str | None = None,
    ) -> Turn:
        """Make a program of DER, of demand response or of messages.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``.
        """
        href, name = f"/prog/{self.server.ids.token()}", self.server.new_mrid()
        turn = Turn(at=now, told=name)
        terms = PROGRAMS[kind]
        events = listing(terms.events, f"{href}/events")
        told: dict[str, object] = {
            "href": href,
            "mrid": name,
            "description": description,
            "primacy": primacy,
            terms.events_link: sep.ListLink(href=f"{href}/events"),
        }
        if kind is sep.DERProgram:
            told["subscribable"] = 1
            told["default_der_control_link"] = sep.Link(href=f"{href}/dderc")
            default = sep.DefaultDERControl(
                href=f"{href}/dderc",
                mrid=self.server.new_mrid(),
                subscribable=1,
                der_control_base=sep.DERControlBase(),
            )
            turn.keep(
                Kept(href=f"{href}/dderc", kind=type(default), scope=href, value=default, at=now)
            )
        if kind is sep.MessagingProgram:
            told["locale"] = LOCALE
        made = kind(**told)  # type: ignore[arg-type] # by name
        turn.keep(Kept(href=f"{href}/events", kind=terms.events, scope=href, value=events, at=now))
        turn.keep(
            valid(
                self.server.options.flavour,
                Kept(href=href, kind=kind, scope=href, value=made, at=now),
            )
        )
        for fsa in fsas:
            turn.members[self._program_list(fsa, kind), href] = True
        return turn

    def set_primacy(self, program: str, primacy: int, now: datetime) -> Turn:
        """Change the primacy of a program.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``.
        """
        found = self.book.expect(program, *PROGRAMS)
        value = found.value
        if not isinstance(value, Program):
            raise MisuseError("UNKNOWN_RESOURCE", "no such program")
        return self._replaced(
            found, replace(value, primacy=primacy, version=following(value.version)), now
        )

    def create_curve(self, program: str, curve: sep.DERCurve, now: datetime) -> Turn:
        """Add a curve to a DER program, see ``Curves.create``; raises as that."""
        return Curves(self.server).create(program, curve, now)

    def set_default(self, program: str, default: sep.DefaultDERControl, now: datetime) -> Turn:
        """Replace what holds between events; mRID, version and address are kept or counted here.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``.
        """
        found = self.book.expect(program, sep.DERProgram)
        check_curves(self.book, found, default.der_control_base)
        place = self.book.entry(f"{found.href}/dderc")
        if place is None or not isinstance(place.value, sep.DefaultDERControl):
            raise MisuseError("UNKNOWN_RESOURCE", "the program has no default control")
        old = place.value
        value = replace(
            default,
            href=old.href,
            mrid=old.mrid,
            subscribable=1,
            version=following(old.version),
        )
        return self._replaced(place, value, now)

    # --- rates and mirrors

    def set_poll_rate(self, href: str, rate: int, now: datetime) -> Turn:
        """Change the poll rate of a resource, by its address.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE`` address, or a resource that has none; ``BAD_RESOURCE``.
        """
        found = self.book.entry(href)
        if found is None or found.value is None or "poll_rate" not in _fields(found.value):
            raise MisuseError("UNKNOWN_RESOURCE", "no resource with a poll rate stands there")
        return self._replaced(found, replace(found.value, poll_rate=rate), now)  # type: ignore[call-arg] # seen above

    def set_poll_rates(self, kind: str, rate: int, now: datetime) -> Turn:
        """Change the poll rate of every resource of a kind that stands today, e.g. ``DERProgramList``.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE`` for a kind of which none has a poll rate; ``BAD_RESOURCE``.
        """
        turn = Turn(at=now, told=kind)
        for one in self.book.entries.values():
            if one.kind.__name__ == kind and one.value and "poll_rate" in _fields(one.value):
                value = replace(one.value, poll_rate=rate)  # type: ignore[call-arg] # seen above
                turn.keep(valid(self.server.options.flavour, replace(one, value=value)))
        if not turn.kept:
            raise MisuseError("UNKNOWN_RESOURCE", f"no {kind[:40]!r} has a poll rate")
        return turn

    def set_post_rate(self, name: str, rate: int, now: datetime) -> Turn:
        """Change how often a device posts readings, and what it says of itself.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``.
        """
        device = self._device(name)
        turn = Turn(at=now, told=device.scope)
        for one in (device, *self.book.children(MIRRORS, device.scope)):
            if isinstance(one.value, sep.EndDevice | sep.MirrorUsagePoint):
                turn.keep(
                    valid(
                        self.server.options.flavour,
                        replace(one, value=replace(one.value, post_rate=rate)),
                    )
                )
        return turn

    def forget_mirrors(self, name: str, now: datetime) -> Turn:
        """Remove the mirrors of a device: it has to make them anew.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``.
        """
        device = self._device(name)
        turn = Turn(at=now, told=device.scope)
        for one in self.book.children(MIRRORS, device.scope):
            turn.kept[one.href] = None
        return turn

    def move(self, href: str, origin: str, now: datetime) -> Turn:
        """Move a resource with all that lies below it; whoever subscribed to some of it is told (status 2).

        Args:
            href: Its address, as it was made or as clients know it today.
            origin: ``https://host:port`` of the utility.
            now: Current instant.

        Returns:
            A turn that tells the new address.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE`` when too much was moved already.
        """
        book, inner = self.book, self.book.moves.inner(href)
        if (book.entry(inner) or self.server.usage.place(inner)) is None:
            raise MisuseError("UNKNOWN_RESOURCE", "nothing stands there")
        turn = move(book.moves, href, self.server.ids.token(), now)
        for one in list(book.deliveries):
            path = book.moves.inner(urlsplit(one.resource).path)
            if not one.ending and (path == inner or path.startswith(f"{inner}/")):
                there = origin + turn.told + path.removeprefix(inner)
                ended = self.server.subscribers.end(one.subscription, now, MOVED, there)
                turn.kept |= ended.kept
                turn.deliveries |= ended.deliveries
        return turn

    # --- inside

    def _device(self, name: str) -> Kept:
        found = self.book.device(checked(lambda: lfdi(name)))
        if found is None:
            raise MisuseError("UNKNOWN_RESOURCE", f"no device has the LFDI {name[:40]}")
        return found

    def _fsa_list(self, device: Kept) -> str:
        link = getattr(device.value, "function_set_assignments_list_link", None)
        return link.href if link is not None else ""

    def _program_list(self, fsa: str, kind: type[sep.Resource]) -> str:
        found = self.book.expect(fsa, sep.FunctionSetAssignments)
        link: sep.ListLink | None = getattr(found.value, PROGRAMS[kind].link)
        return link.href if link is not None else ""

    def _replaced(self, one: Kept, value: sep.Resource, now: datetime) -> Turn:
        turn = Turn(at=now, told=getattr(value, "mrid", one.href))
        turn.keep(valid(self.server.options.flavour, replace(one, value=value)))
        return turn


def _fields(value: sep.Resource) -> Mapping[str, object]:
    return value.__dataclass_fields__
