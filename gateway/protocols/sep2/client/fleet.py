"""The devices of one session at work: assigned to programs, kept up with their events, metered, reported.

Spec: IEEE 2030.5-2018 clauses 8.7 (assignments), 10.2.3.3 (events).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urljoin

from gateway.domain.names import EventId, SiteId
from gateway.domain.participation import Participation
from gateway.protocols.actions import Emit, Note
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.assigned import Assigned, Unread, assigned
from gateway.protocols.sep2.client.convert import readable
from gateway.protocols.sep2.client.defaults import Defaults
from gateway.protocols.sep2.client.device import Device, response
from gateway.protocols.sep2.client.event import Around
from gateway.protocols.sep2.client.links import FunctionSet
from gateway.protocols.sep2.client.metering import Metering
from gateway.protocols.sep2.client.mirror import Change, Mirror, Node
from gateway.protocols.sep2.client.reporting import Reporting
from gateway.protocols.sep2.client.roll import Roll
from gateway.protocols.sep2.client.setting import NOTHING, Setting
from gateway.protocols.sep2.client.state import Outgoing, Purpose
from gateway.protocols.sep2.client.tariffs import tariffs
from gateway.protocols.sep2.client.tell import Settled
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.events.codes import Code
from gateway.protocols.sep2.events.intake import Scope as Listing
from gateway.protocols.sep2.events.record import Record
from gateway.protocols.sep2.events.table import Input
from gateway.protocols.sep2.events.values import Outcome

LOOK_AHEAD: Final = timedelta(seconds=10)
"""Before an event starts its list is read once more, if it was not within this time."""


class Fleet:
    """Every device of one session.

    Args:
        setting: The utility.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._roll = Roll.of(setting)
        self.metering = Metering.of(setting, list(self._roll.devices.values()))
        self.reporting = Reporting(setting=setting)
        self._defaults = Defaults(setting=setting)
        self._outgoing: list[Outgoing] = []
        self._notes: list[Note] = []
        self._changed: set[str] = set()
        """LFDIs of devices whose events moved."""
        self._to_report: set[str] = set()
        """LFDIs of devices that may have something new to say of themselves."""
        self._looked: datetime | None = None
        self.acts = True
        """False: what is due waits, until the server's lists were read."""

    # --- following the mirror

    def follow(self, change: Change, mirror: Mirror, now: datetime) -> None:
        """Take news of a node: what concerns no device is left alone."""
        node = change.node
        if node.kind is sep.EndDeviceList and not change.gone:
            self._roll.find(node, mirror, now)
        if node.kind is sep.DeviceCapability or node.kind is sep.MirrorUsagePointList:
            self._mirrors(node, mirror)
            return
        for device in self._roll.concerned(node, mirror):
            self._to_report.add(device.lfdi)
            self._roll.commission(device, mirror)
            self._assess(device, mirror, now)

    def _mirrors(self, node: Node, mirror: Mirror) -> None:
        if isinstance(node.value, sep.DeviceCapability):
            leads = mirror.at(node, node.value, node.value.mirror_usage_point_list_link)
            self.metering.target = leads.href if leads is not None else ""
            return
        hrefs = {
            member.mrid: mirror.href_of(node, member)
            for member in node.members
            if isinstance(member, sep.MirrorUsagePoint) and member.href
        }
        self.metering.listed(node.members, hrefs)
        self.metering.known = self.metering.known or node.complete

    def _assess(self, device: Device, mirror: Mirror, now: datetime) -> None:
        at = self._setting.clock.seconds(now)
        if device.ready is None:
            return
        if not device.ready:
            self._outcome(device, device.engine.assign((), at, act=self.acts))
            return
        place, endpoint = self._roll.places[device.lfdi]
        try:
            found = assigned(mirror, place, endpoint, self._setting.reader)
        except Unread:
            return
        if FunctionSet.PRICING in self._setting.options.function_sets:
            found += tariffs(mirror, place, endpoint, self._setting.reader, device.engine)
        programs = [one.program for one in found]
        self._outcome(device, device.engine.assign(programs, at, act=self.acts))
        device.primacies = {one.program.mrid: one.program.primacy for one in found}
        device.names = {one.program.mrid: one.name for one in found}
        device.defaults = {one.program.mrid: (one.default, one.default_href) for one in found}
        for one in found:
            self._observe(device, one, at)

    def _observe(self, device: Device, one: Assigned, at: int) -> None:
        node = one.listing
        if node is None or one.read_at is None or device.seen.get(node.href) == one.read_at:
            return
        device.seen[node.href] = one.read_at
        terms = self._setting.terms(one.program.mrid, one.name)
        controls = []
        for found in readable(one.events):
            control = self._setting.reader.control(found, one.program.mrid, one.component)
            if terms is None:
                control = replace(control, refusal=Code.NOT_APPLICABLE)
            controls.append(control)
            device.listed[control.key] = found
            device.quoted(control.key, one.quotes.get(found.mrid))
            device.sources[control.key] = node.href
            if found.reply_to:
                device.replies[control.mrid] = urljoin(node.href, found.reply_to)
        server, component = one.program.server, one.component or None
        whole = Listing(server=server, program=one.program.mrid, component=component)
        listing = whole if one.whole else None
        outcome = device.engine.observe(controls, at, complete=listing, act=self.acts)
        self._changed.add(device.lfdi)
        self._outcome(device, outcome)

    # --- events

    def on_time(self, now: datetime) -> None:
        """Do what is due in the events of every device."""
        if not self.acts:
            return
        at = self._setting.clock.seconds(now)
        for device in self._roll.devices.values():
            due = device.engine.next_at()
            if due is not None and due <= at:
                self._outcome(device, device.engine.on_time(at))

    def next_at(self) -> datetime | None:
        """Return when something is due in the events of any device, or has to be looked at before."""
        found: list[datetime] = []
        for device in self._roll.devices.values():
            due = device.engine.next_at()
            if due is not None:
                found.append(self._setting.clock.ours(due))
            for at, _ in device.engine.next_starts():
                look = self._setting.clock.ours(at) - LOOK_AHEAD
                if self._looked is None or look > self._looked:
                    found.append(look)
                    break
        return min(found, default=None)

    def look_ahead(self, mirror: Mirror, now: datetime) -> None:
        """Have the list of an event that is about to start read once more (10.2.3.3: its status may have changed)."""
        self._looked = now
        for device in self._roll.devices.values():
            for at, key in device.engine.next_starts():
                start = self._setting.clock.ours(at)
                if start - LOOK_AHEAD > now:
                    break
                node = mirror.nodes.get(device.sources.get(key, ""))
                if (
                    node is not None
                    and node.read_at is not None
                    and node.read_at < start - LOOK_AHEAD
                ):
                    mirror.ask_soon(node.href, now)

    def decide(self, decision: Participation, choice: Input, now: datetime) -> None:
        """Take what was decided about an event.

        Raises:
            SessionError: ``OUT_OF_SEQUENCE`` when it is too late for that.
        """
        at = self._setting.clock.seconds(now)
        for device in self._roll.devices.values():
            for told in device.told.values():
                key = (self._setting.scope.utility, told.mrid)
                if told.event_id == decision.event.event_id and device.engine.record(key):
                    if decision.sites and not set(device.sites or self._sites) <= set(
                        decision.sites
                    ):
                        self._note("partial_answer_not_told", event=told.event_id)
                        continue
                    fitting = device.choice(key, choice, decision.by)
                    if fitting is not None:
                        self._outcome(device, device.engine.decide(key, fitting, at))

    def subscription_list(self, mirror: Mirror) -> str:
        """Return the address of the list of our subscriptions; empty: there is none."""
        return self._roll.subscription_list(mirror)

    def owns(self, found: sep.Resource) -> bool:
        """Say whether a member of a list concerns us."""
        return self._roll.owns(found)

    @property
    def _sites(self) -> tuple[SiteId, ...]:
        return self._setting.scope.sites

    def clock_moved(self) -> None:
        """Have the effect of every event worked out anew: the server's clock has moved against ours."""
        self._changed.update(self._roll.devices)

    def _outcome(self, device: Device, outcome: Outcome) -> None:
        for finding in outcome.findings:
            self._note(finding.word.lower(), mrid=finding.key[1], detail=finding.detail)
        for respond in outcome.responses:
            href = device.replies.get(respond.key[1])
            found = device.listed.get(respond.key)
            if href is None:
                continue
            document = response(respond, device.lfdi, type(found) if found else sep.Response)
            key = f"{device.lfdi}/{respond.key[1]}/{int(respond.status)}"
            self._send(Purpose.RESPONSE, key, href, document, subject=respond.key[1])
        if outcome.changed:
            self._setting.parts.touch(device.part)
            self._changed.add(device.lfdi)
            self._to_report.add(device.lfdi)

    def _send(
        self, purpose: Purpose, key: str, href: str, document: object, subject: str = ""
    ) -> None:
        self._outgoing.append(
            Outgoing(
                key=f"{purpose} {key}",
                purpose=purpose,
                method="POST",
                href=href,
                body=encode(document, self._setting.flavour).decode(),
                subject=subject,
            )
        )

    def emits(self, now: datetime) -> Iterator[Emit]:
        """Yield what has changed inward."""
        yield from self._defaults.orphans(self._roll.devices.keys(), now)
        changed, self._changed = self._changed, set()
        for lfdi in sorted(changed):
            device = self._roll.devices[lfdi]
            for event in device.news(self._around, now):
                key = (self._setting.scope.utility, event.source["mRID"])
                raw = self._setting.raws.get(device.sources.get(key, ""), NOTHING)
                yield Emit(events=(event,), raw=raw)
            yield from self._defaults.news(device, now)
            device.forget()
            self._setting.parts.touch(device.part)

    def _around(self, device: Device, record: Record) -> Around | None:
        control, setting = record.control, self._setting
        name = device.names.get(control.program, "")
        terms = setting.terms(control.program, name)
        if terms is None:
            return None
        raw = setting.raws.get(device.sources.get(record.key, ""), NOTHING)
        return Around(
            utility=setting.scope.utility,
            protocol=setting.protocol,
            lfdi=device.lfdi,
            sites=device.sites or terms.sites,
            terms=terms,
            rating=setting.rating,
            target_reduction=setting.options.target_reduction,
            offset=setting.clock.offset,
            primacy=device.primacies.get(control.program, 255),
            event_id=EventId(device.event_id(control.mrid)),
            received_at=raw.received_at,
            raw_sha256=raw.sha256,
            quote=device.quotes.get(record.key),
        )

    # --- documents

    def settled(self, settled: Settled, mirror: Mirror, now: datetime) -> None:
        """Take what became of a document."""
        one = settled.outgoing
        match one.purpose:
            case Purpose.REGISTER:
                self._roll.registered()
                for node in mirror.of_kind(sep.EndDeviceList):
                    mirror.ask_soon(node.href, now)
            case Purpose.MIRROR if settled.taken:
                self.metering.created(one.subject, urljoin(one.href, settled.location))
                for node in mirror.of_kind(sep.MirrorUsagePointList):
                    mirror.ask_soon(node.href, now)
            case Purpose.CAPABILITY | Purpose.SETTINGS if not settled.taken:
                self.reporting.refused(one.href, now)
            case Purpose.MIRROR:
                self.metering.refused(one.subject, now)
            case Purpose.READING if settled.gone:
                self.metering.lost(one.subject)
            case _:
                pass

    def outgoing(self) -> list[Outgoing]:
        """Return the documents that came up since the last time."""
        found = [*self._roll.outgoing, *self._outgoing]
        self._roll.outgoing, self._outgoing = [], []
        return found

    def notes(self) -> list[Note]:
        """Return the notes that came up since the last time."""
        found = [*self._roll.notes, *self._defaults.notes, *self._notes]
        self._roll.notes, self._defaults.notes, self._notes = [], [], []
        return found

    def reports(self, mirror: Mirror, now: datetime) -> Iterator[Outgoing]:
        """Yield what the devices say of themselves now."""
        again_at = self.reporting.next_at()
        every = again_at is not None and again_at <= now
        asked, self._to_report = self._to_report, set()
        for lfdi, (place, endpoint) in self._roll.places.items():
            if every or lfdi in asked:
                yield from self.reporting.due(
                    self._roll.devices[lfdi], place, endpoint, mirror, now
                )

    def _note(self, word: str, **fields: str) -> None:
        self._notes.append(Note(word=word, fields=fields))
