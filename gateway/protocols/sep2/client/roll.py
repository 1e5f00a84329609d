"""The roll: which devices we are or manage, where the server lists them, and whether they may take part.

Spec: IEEE 2030.5-2018 clauses 8.5 (EndDevice), 8.6 (registration); CSIP Implementation Guide v2.1 6.1 (in-band and
out-of-band registration, aggregators).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.domain.canonical import canonical
from gateway.domain.errors import SessionError
from gateway.domain.names import SiteId
from gateway.protocols.actions import Note
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.device import Device, part_of
from gateway.protocols.sep2.client.links import PROGRAM_LISTS, links_of
from gateway.protocols.sep2.client.mirror import Change, Mirror, Node
from gateway.protocols.sep2.client.modes import FOLLOWED
from gateway.protocols.sep2.client.options import DeviceOptions
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.state import Outgoing, Purpose
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.events.engine import EventEngine, Standing
from gateway.protocols.sep2.events.settings import Settings
from gateway.protocols.sep2.identity import pin_doubt

_NOBODY: Final[frozenset[str]] = frozenset()


@dataclass(slots=True, kw_only=True)
class Roll:
    """Every device of one session.

    Args:
        setting: The utility.
        devices: By LFDI.
    """

    setting: Setting
    devices: dict[str, Device]
    places: dict[str, tuple[Node, sep.EndDevice]] = field(default_factory=dict)
    """LFDI -> where the server lists it, and how."""
    notes: list[Note] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)
    _by_sfdi: dict[int, Device] = field(default_factory=dict)
    _index: dict[str, set[str]] = field(default_factory=dict)
    """href of what only one or some devices lead to -> their LFDIs."""
    _by_value: dict[int, Device] = field(default_factory=dict)
    """LFDI as a number -> device: some servers write it otherwise than we do."""
    admitted: set[str] = field(default_factory=set)
    """LFDIs of devices that take part: of the others nothing is read but their registration."""
    _fresh: set[str] = field(default_factory=set)
    """LFDIs of devices that stand otherwise since the list of devices was read last."""
    _registering: bool = False
    _wrong_pins: dict[str, int] = field(default_factory=dict)
    """LFDI -> PIN of its registration, other than ours, that was said."""

    @classmethod
    def of(cls, setting: Setting) -> "Roll":
        """Make the devices that are configured, with what is stored of them."""
        devices = {device.lfdi: device for device in _devices(setting)}
        by_sfdi = {device.sfdi: device for device in devices.values()}
        by_value = {int(lfdi, 16): device for lfdi, device in devices.items()}
        return cls(setting=setting, devices=devices, _by_sfdi=by_sfdi, _by_value=by_value)

    def owns(self, found: sep.Resource) -> bool:
        """Say whether a member of a list concerns us: devices and mirrors of others do not."""
        match found:
            case sep.EndDevice():
                return self._ours(found) is not None
            case sep.MirrorUsagePoint():
                return self._of(found.device_lfdi) is not None
            case _:
                return True

    def _ours(self, found: sep.EndDevice) -> Device | None:
        if found.lfdi is None:
            return self._by_sfdi.get(found.sfdi)
        return self._of(found.lfdi)

    def _of(self, lfdi: str) -> Device | None:
        exact = self.devices.get(lfdi)
        return exact if exact is not None else self._by_value.get(int(lfdi or "0", 16))

    def follows(self, source: sep.Resource, kind: type[sep.Resource]) -> bool:
        """Say whether a link is followed: what is assigned to a device, once it may take part, and no longer.

        Of one that is not enabled, or bears another PIN than was handed over, only the registration is read on (CSIP
        Implementation Guide v2.1 6.1; 2018 clause 8.5). What the server offers everybody is for those who take part.
        """
        match source:
            case sep.EndDevice() if kind is not sep.Registration:
                device = self._ours(source)
                admitted = device is not None and device.lfdi in self.admitted
                known = admitted or source.registration_link is None
                return known and source.enabled is not False
            case sep.DeviceCapability() if kind in PROGRAM_LISTS:
                return bool(self.admitted)
            case _:
                return True

    def admit(self, device: Device, mirror: Mirror, now: datetime) -> list[Change]:
        """Have read what is assigned to a device that takes part, and no more what is assigned to one that does not.

        Returns:
            What is no longer known of the server.
        """
        place, root = self.places.get(device.lfdi), mirror.nodes[mirror.root]
        if device.ready:
            self.admitted.add(device.lfdi)
            if place is not None:
                mirror.open(*place, now)
            if root.value is not None and len(self.admitted) == 1:
                mirror.open(root, root.value, now)
            return []
        self.admitted.discard(device.lfdi)
        changes = mirror.shut(*place, self._shared) if place is not None else []
        if root.value is not None and not self.admitted:
            changes += mirror.shut(root, root.value, _nobody)
        return changes

    def _shared(self, href: str) -> bool:
        """Say whether a device that takes part leads to an address."""
        return not self.admitted.isdisjoint(self._index.get(href, _NOBODY))

    def speaker(self, site: SiteId) -> str:
        """Return the LFDI of the device that speaks for a site.

        Raises:
            SessionError: ``NOT_FOUND``.
        """
        for device in self.devices.values():
            if site in (device.sites or self.setting.scope.sites):
                return device.lfdi
        raise SessionError("NOT_FOUND", f"no device of this utility speaks for site {site}")

    def find(self, node: Node, mirror: Mirror, now: datetime) -> None:
        """Take a list of devices as read to its end: where ours stand, and that one of them is missing."""
        listed: dict[str, tuple[Node, sep.EndDevice]] = {}
        for member in node.members:
            if isinstance(member, sep.EndDevice) and (device := self._ours(member)) is not None:
                listed[device.lfdi] = (node, member)
        self._fresh = {lfdi for lfdi in self.devices if lfdi not in self.places}
        for lfdi in sorted(self.places.keys() - listed.keys()):
            if node.complete and self.places[lfdi][0] is node:
                del self.places[lfdi]
                self._fresh.add(lfdi)
                self._note("device_gone", lfdi=lfdi)
        self._fresh |= {lfdi for lfdi, at in listed.items() if self.places.get(lfdi) != at}
        self.places.update(listed)
        self._index = {}
        for lfdi, (place, endpoint) in self.places.items():
            for link, _ in links_of(endpoint, self.setting.options.function_sets):
                self._index.setdefault(mirror.resolved(place, endpoint, link), set()).add(lfdi)
        own = next((d for d in self.devices.values() if not d.managed), None)
        if own is not None and own.lfdi not in self.places and node.complete:
            self._unlisted(own, node, now)

    def _unlisted(self, device: Device, node: Node, now: datetime) -> None:
        """Our own device is not there: register it, or say that the utility has to."""
        if self.setting.options.registration == "out_of_band":
            self._note("not_registered", lfdi=device.lfdi)
            return
        if not self._registering:
            self._registering = True
            self._note("registering", lfdi=device.lfdi)
            document = sep.EndDevice(
                lfdi=device.lfdi,
                sfdi=device.sfdi,
                device_category=self.setting.options.device_category,
                changed_time=self.setting.clock.seconds(now),
            )
            self.outgoing.append(
                Outgoing(
                    key=f"{Purpose.REGISTER} {device.lfdi}",
                    purpose=Purpose.REGISTER,
                    method="POST",
                    href=node.href,
                    body=encode(document, self.setting.flavour).decode(),
                )
            )

    def subscription_list(self, mirror: Mirror) -> str:
        """Return the address of the list of our subscriptions: of our own device, or of one that has any."""
        for lfdi in sorted(self.places, key=lambda name: self.devices[name].managed):
            node, endpoint = self.places[lfdi]
            if endpoint.subscription_list_link is not None:
                return mirror.resolved(node, endpoint, endpoint.subscription_list_link)
        return ""

    def concerned(self, node: Node, mirror: Mirror) -> Iterable[str]:
        """Return the LFDIs of the devices that a node has to do with: those that lead to it, or all."""
        if node.kind is sep.EndDeviceList and node.href in mirror.nodes:
            return sorted(self._fresh)
        found: set[str] = set()
        for href in mirror.above(node.href):
            found |= self._index.get(href, _NOBODY)
        return sorted(found or self.devices)

    def commission(self, device: Device, mirror: Mirror) -> bool:
        """Settle whether the device may take part: listed, enabled, with the right PIN; say whether that has moved."""
        ready = self._may_take_part(device, mirror)
        if ready != device.ready and ready is not None:
            device.ready = ready
            self._note("device_ready" if ready else "device_not_ready", lfdi=device.lfdi)
            return True
        return False

    def _may_take_part(self, device: Device, mirror: Mirror) -> bool | None:
        """Return None while the server has not said enough: what stood before a restart stands until it has."""
        place = self.places.get(device.lfdi)
        if place is None:
            lists = mirror.of_kind(sep.EndDeviceList)
            return False if any(node.complete for node in lists) else None
        node, endpoint = place
        if endpoint.enabled is False:
            return False
        registration = mirror.at(node, endpoint, endpoint.registration_link)
        return True if registration is None else self._same_pin(device, registration)

    def _same_pin(self, device: Device, node: Node) -> bool | None:
        found = node.value
        if not isinstance(found, sep.Registration):
            return None
        if device.pin is None or device.pin == found.pin:
            self._wrong_pins.pop(device.lfdi, None)
            return True
        if self._wrong_pins.get(device.lfdi) != found.pin:
            self._wrong_pins[device.lfdi] = found.pin
            theirs, ours = pin_doubt(found.pin) or "", pin_doubt(device.pin) or ""
            self._note("wrong_pin", lfdi=device.lfdi, doubt=theirs, ours=ours)
        return False

    def registered(self) -> None:
        """Take that our registration was answered; if it was refused, it is tried again when the list is read again."""
        self._registering = False

    def _note(self, word: str, **fields: str) -> None:
        self.notes.append(Note(word=word, fields=fields))


def _nobody(href: str) -> bool:
    """Share nothing."""
    del href
    return False


def _devices(setting: Setting) -> Iterator[Device]:
    """Make our own device, unless nobody knows its LFDI, and those that we manage."""
    options = setting.options
    rules = options.settings(FOLLOWED)
    own = options.lfdi or setting.scope.lfdi
    known: dict[bytes, Standing] = {}
    if own:
        yield _device(setting, own, _engine(setting, rules, own, known))
    for one in options.device:
        yield _device(setting, one.lfdi, _engine(setting, rules, one.lfdi, known), one)


def _engine(
    setting: Setting, rules: Settings, lfdi: str, known: dict[bytes, Standing]
) -> EventEngine:
    """Make a device's engine from what is stored; equal pasts are one."""
    found = setting.parts.found(part_of(lfdi))
    stored = found["engine"] if found is not None else None
    past = canonical(stored)
    if past in known:
        engine = EventEngine(rules, setting.tools.chance)
        engine.adopt(known[past])
        return engine
    engine = EventEngine(rules, setting.tools.chance, stored)
    known[past] = engine.standing()
    return engine


def _device(
    setting: Setting,
    lfdi: str,
    engine: EventEngine,
    managed: DeviceOptions | None = None,
) -> Device:
    device = Device(
        lfdi=lfdi,
        sites=(SiteId(managed.site),) if managed else (),
        pin=managed.pin if managed else setting.options.pin,
        connection_point=(managed or setting.options).connection_point,
        engine=engine,
        managed=managed is not None,
    )
    device.recall(setting.parts)
    return device
