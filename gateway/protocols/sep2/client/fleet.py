"""The devices of one session at work: assigned to programs, kept up with their events, metered, reported.

Spec: IEEE 2030.5-2018 clauses 8.7 (assignments), 10.2.3.3 (events).
"""

from collections.abc import Callable, Hashable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Final
from urllib.parse import urljoin

from gateway.domain.names import EventId, SiteId
from gateway.domain.participation import Participation
from gateway.protocols.actions import Emit, Note, Readings
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.assigned import Unread
from gateway.protocols.sep2.client.defaults import Defaults
from gateway.protocols.sep2.client.device import Device
from gateway.protocols.sep2.client.dues import Dues
from gateway.protocols.sep2.client.event import Around
from gateway.protocols.sep2.client.inward import Group, Inward
from gateway.protocols.sep2.client.levels import reaching
from gateway.protocols.sep2.client.listings import NOTHING_OFFERED, Listings, View
from gateway.protocols.sep2.client.metering import Metering
from gateway.protocols.sep2.client.mirror import Change, Mirror, Node
from gateway.protocols.sep2.client.reserving import Requests
from gateway.protocols.sep2.client.responses import Responses
from gateway.protocols.sep2.client.roll import Roll
from gateway.protocols.sep2.client.sayings import Sayings
from gateway.protocols.sep2.client.setting import NOTHING, Setting
from gateway.protocols.sep2.client.speakers import Speakers
from gateway.protocols.sep2.client.state import Outgoing, Purpose
from gateway.protocols.sep2.client.tell import Settled
from gateway.protocols.sep2.events.cohorts import Cohorts
from gateway.protocols.sep2.events.record import Record
from gateway.protocols.sep2.events.table import Input
from gateway.protocols.sep2.events.values import Outcome

LOOK_AHEAD: Final = 10
"""Before an event starts its list is read once more, if it was not within so many seconds."""
AT_ONCE: Final = 250
"""Devices that are looked after in one turn; the others have the next one, at once."""
TOLD_AT_ONCE: Final = 50
"""Devices of which in one turn it is looked at what they have to say of themselves."""
AFRESH: Final = timedelta(hours=1)
"""After which devices take in a list that says what it said before: what is long past is then forgotten."""
_OF_ONE: Final = frozenset(
    {
        *(sep.EndDeviceList, sep.FunctionSetAssignmentsList, sep.Registration, sep.DERList),
        sep.ConnectionPoint,
    }
)
"""What is a device's own: a change there leaves the programs of others as they are."""


class Fleet:
    """Every device of one session.

    Args:
        setting: The utility.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._roll = Roll.of(setting)
        devices = self._roll.devices
        self.metering = Metering.of(setting, list(devices.values()))
        self._sayings = Sayings(setting=setting, devices=devices)
        self.reporting = self._sayings.reporting
        self.requests = Requests(setting, self._roll)
        self._listings = Listings(setting=setting)
        self._cohorts = Cohorts()
        self._inward = Inward(parts=setting.parts, devices=devices, around=self._around)
        self._inward.recall()
        self._standing = Speakers(devices=devices, defaults=Defaults(setting=setting))
        self._outgoing: list[Outgoing] = []
        self._notes: list[Note] = []
        self._waiting: dict[str, None] = {}
        """LFDIs of devices that have yet to take in what was read."""
        self._changed: set[str] = set()
        """LFDIs of devices whose events moved."""
        self._to_report: set[str] = set()
        """LFDIs of devices that may have something new to say of themselves."""
        self._left: list[Change] = []
        """What is no longer read."""
        self._dues = Dues()
        self._looks = Dues()
        self._afresh: dict[str, datetime] = {}
        """href of what many devices share -> when they take it in once more though it says what it said."""
        self._responses = Responses(setting=setting)
        self.acts = True
        """False: what is due waits, until the server's lists were read."""
        for device in devices.values():
            self._timed(device)

    # --- following the mirror

    def follow(self, change: Change, mirror: Mirror, now: datetime) -> None:
        """Take news of a node: what concerns no device is left alone."""
        node = change.node
        if node.kind is sep.Time:
            return
        if node.kind is sep.EndDeviceList and not change.gone:
            self._roll.find(node, mirror, now)
        if node.kind is sep.DeviceCapability or node.kind is sep.MirrorUsagePointList:
            self._mirrors(node, mirror, now)
            return
        if node.kind not in _OF_ONE:
            if change.same and now < self._afresh.get(node.href, now):
                return
            self._listings.stale()
            self._listings.forget(node.href)
            self._afresh[node.href] = now + AFRESH
            if change.gone:
                del self._afresh[node.href]
        self._waiting.update(dict.fromkeys(self._roll.concerned(node, mirror)))

    def _mirrors(self, node: Node, mirror: Mirror, now: datetime) -> None:
        if isinstance(node.value, sep.DeviceCapability):
            leads = mirror.at(node, node.value, node.value.mirror_usage_point_list_link)
            self.metering.target = leads.href if leads is not None else ""
            return
        hrefs = {
            member.mrid: mirror.href_of(node, member)
            for member in node.members
            if isinstance(member, sep.MirrorUsagePoint) and member.href
        }
        self.metering.listed(node.members, hrefs, now)
        self.metering.known = self.metering.known or node.complete

    @property
    def idle(self) -> bool:
        """Say whether every device has taken in what was read."""
        return not self._waiting

    @property
    def rests(self) -> bool:
        """Say whether nothing is left that the next turn could do at once."""
        return self.idle and not self._to_report

    def work(self, mirror: Mirror, now: datetime) -> None:
        """Let devices take in what was read, as many as fit in a turn."""
        for lfdi in [*islice(self._waiting, AT_ONCE)]:
            self._look_after(self._roll.devices[lfdi], mirror, now)

    def _look_after(self, device: Device, mirror: Mirror, now: datetime) -> None:
        self._waiting.pop(device.lfdi, None)
        self._to_report.add(device.lfdi)
        if self._roll.commission(device, mirror):
            self.metering.moved(device, now)
            self._left += self._roll.admit(device, mirror, now)
        self._assess(device, mirror, now)

    def _assess(self, device: Device, mirror: Mirror, now: datetime) -> None:
        at = self._setting.clock.seconds(now)
        if device.ready is None:
            return
        try:
            offer = NOTHING_OFFERED
            if device.ready:
                offer = self._listings.offer(mirror, *self._roll.places[device.lfdi], device.engine)
        except Unread:
            return
        if offer is not device.offer:
            if device.offer is None or offer.programs != device.offer.programs:
                engine, act = device.engine, self.acts
                what = ("assign", offer.programs, at, act)
                self._step(device, what, lambda: engine.assign(offer.programs, at, act=act))
            device.offer = offer
        for one in (*offer.found, *self.requests.granted(device, mirror)):
            view = self._listings.view(one)
            if view is not None:
                self._observe(device, view, at)

    def _observe(self, device: Device, view: View, at: int) -> None:
        if device.seen.get(view.href) is view:
            return
        device.seen[view.href] = view
        device.listed.update(self._inward.received(device, view))
        device.sources.update(dict.fromkeys(view.listed, view.href))
        device.replies.update(view.replies)
        for key, quote in view.quotes.items():
            device.quoted(key, quote)
        engine, act = device.engine, self.acts
        shared_by = device.sites or device.lfdi if view.random else None
        what = ("observe", view, at, act, shared_by)
        blank = [key for key in view.blank if engine.record(key) is None]
        self._step(
            device, what, lambda: engine.observe(view.controls, at, complete=view.scope, act=act)
        )
        if self._setting.options.allow_edits:  # what the engine took over is known only now
            device.listed.update(self._inward.received(device, view))
        self._changed.add(device.lfdi)
        for key in filter(device.expects, blank):
            door = partial(engine.decide, key, Input.CANNOT_SHOW, at)
            self._step(device, ("decide", key, Input.CANNOT_SHOW, at), door)

    # --- events

    def _step(self, device: Device, what: Hashable, door: Callable[[], Outcome]) -> None:
        outcome, known = self._cohorts.step(device.engine, what, door)
        for finding in () if known else outcome.findings:
            self._note(finding.word.lower(), mrid=finding.key[1], detail=finding.detail)
        self._outcome(device, outcome)

    def _timed(self, device: Device) -> None:
        """Note when something is due in a device's events, or has to be looked at before."""
        self._dues.set(device.lfdi, device.engine.next_at())
        starts = (at for at, _ in device.engine.next_starts() if at > device.looked)
        first = next(starts, None)
        self._looks.set(device.lfdi, None if first is None else first - LOOK_AHEAD)

    def on_time(self, mirror: Mirror, now: datetime) -> None:
        """Do what is due in the events of devices, as many as fit in a turn."""
        if not self.acts:
            return
        at = self._setting.clock.seconds(now)
        for lfdi in self._dues.take(at, AT_ONCE):
            device = self._roll.devices[lfdi]
            if lfdi in self._waiting:  # what was read may say that it is cancelled
                self._look_after(device, mirror, now)
            self._step(device, ("time", at), partial(device.engine.on_time, at))

    def next_at(self) -> datetime | None:
        """Return when something is due in the events of any device, or has to be looked at before."""
        found = [at for at in (self._dues.first(), self._looks.first()) if at is not None]
        return self._setting.clock.ours(min(found)) if found else None

    def look_ahead(self, mirror: Mirror, now: datetime) -> None:
        """Have the list of an event that is about to start read once more (10.2.3.3: its status may have changed)."""
        at = self._setting.clock.seconds(now)
        for lfdi in self._looks.take(at, len(self._roll.devices)):
            device = self._roll.devices[lfdi]
            for start, key in device.engine.next_starts():
                if start - LOOK_AHEAD > at:
                    break
                if start <= device.looked:
                    continue
                device.looked = start
                node = mirror.nodes.get(device.sources.get(key, ""))
                before = self._setting.clock.ours(start - LOOK_AHEAD)
                if node is not None and node.read_at is not None and node.read_at < before:
                    mirror.ask_soon(node.href, now)
            self._timed(device)

    def decide(self, decision: Participation, choice: Input, now: datetime) -> None:
        """Take what was decided about an event.

        Raises:
            SessionError: ``OUT_OF_SEQUENCE`` when it is too late for that.
        """
        at = self._setting.clock.seconds(now)
        event_id = decision.event.event_id
        for device, key in self._inward.members(event_id):
            if decision.sites and not set(device.sites or self._sites) <= set(decision.sites):
                self._note("partial_answer_not_told", event=event_id)
                continue
            fitting = device.choice(key, choice, decision.by)
            if fitting is not None:
                door = partial(device.engine.decide, key, fitting, at)
                self._step(device, ("decide", key, fitting, at), door)

    def subscription_list(self, mirror: Mirror) -> str:
        """Return the address of the list of our subscriptions; empty: there is none."""
        return self._roll.subscription_list(mirror)

    def owns(self, found: sep.Resource) -> bool:
        """Say whether a member of a list concerns us."""
        return self._roll.owns(found)

    def follows(self, source: sep.Resource, kind: type[sep.Resource]) -> bool:
        """Say whether what a resource leads to is to be read now."""
        return self._roll.follows(source, kind)

    def left(self) -> list[Change]:
        """Return what is no longer read since the last time."""
        found, self._left = self._left, []
        return found

    @property
    def _sites(self) -> tuple[SiteId, ...]:
        return self._setting.scope.sites

    def clock_moved(self, now: datetime) -> None:
        """Have the effect of every event worked out anew: the server's clock has moved, and what runs goes on."""
        at = self._setting.clock.seconds(now)
        for device in self._roll.devices.values():
            self._step(device, ("stepped", at), partial(device.engine.stepped, at))
        self._changed.update(self._roll.devices)

    def _outcome(self, device: Device, outcome: Outcome) -> None:
        self._timed(device)
        for respond in outcome.responses:
            href = device.replies.get(respond.key[1])
            if href is not None:
                self._outgoing.append(self._responses.made(device, respond, href))
        if outcome.changed:
            self._sayings.moved(device)
            self._setting.parts.touch(device.part)
            self._changed.add(device.lfdi)
            self._to_report.add(device.lfdi)

    def emits(self, now: datetime) -> Iterator[Emit]:
        """Yield what has changed inward."""
        changed, self._changed = self._changed, set()
        for event, device in self._inward.news(sorted(changed), now):
            key = (self._setting.scope.utility, event.source["mRID"])
            raw = self._setting.raws.get(device.sources.get(key, ""), NOTHING)
            yield Emit(events=(event,), raw=raw)
        yield from self._standing.emits(changed, now)
        for lfdi in changed:
            self._roll.devices[lfdi].forget()

    def _around(self, device: Device, record: Record, group: Group) -> Around | None:
        control, setting = record.control, self._setting
        offer = device.known
        terms = self.requests.terms(control, offer.names.get(control.program, ""))
        if terms is None:
            return None
        raw = setting.raws.get(device.sources.get(record.key, ""), NOTHING)
        rating, found = setting.rating_of(device.sites), device.listed.get(record.key)
        return Around(
            utility=setting.scope.utility,
            protocol=setting.protocol,
            lfdis=tuple(sorted(group.stands)),
            sites=device.sites or terms.sites,
            terms=terms,
            rating=rating,
            ramp=reaching(device, found, rating, group.ramps, new=group.new),
            target_reduction=setting.options.target_reduction,
            offset=setting.clock.offset,
            primacy=offer.primacies.get(control.program, 255),
            event_id=EventId(group.event_id),
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
                self.metering.created(one.subject, urljoin(one.href, settled.location), now)
                for node in mirror.of_kind(sep.MirrorUsagePointList):
                    mirror.ask_soon(node.href, now)
            case Purpose.MIRROR:
                self.metering.refused(one.subject, now)
            case Purpose.READING if settled.gone:
                self.metering.lost(one.subject, now)
            case _:
                self._sayings.settled(settled, now)

    def outgoing(self) -> list[Outgoing]:
        """Return the documents that came up since the last time."""
        found = [*self._roll.outgoing, *self._outgoing, *self._sayings.lasting()]
        self._roll.outgoing, self._outgoing = [], []
        return found

    def notes(self) -> list[Note]:
        """Return the notes that came up since the last time."""
        found = [*self._roll.notes, *self._standing.notes(), *self._sayings.notes(), *self._notes]
        self._roll.notes, self._notes = [], []
        return found

    def reports(self, mirror: Mirror, now: datetime) -> Iterator[Outgoing]:
        """Yield what the devices say of themselves now."""
        again = self.reporting.waiting(now)
        self._to_report.update(self._sayings.alarmed(mirror, now))
        self._to_report.update(again.values())
        self._to_report &= self._roll.places.keys()
        due = self._dues.first()
        if self.acts and due is not None and due <= self._setting.clock.seconds(now):
            return  # what starts or ends goes first
        told = sorted(self._to_report)[:TOLD_AT_ONCE]
        self._to_report.difference_update(told)
        for lfdi in told:
            device, (place, endpoint) = self._roll.devices[lfdi], self._roll.places[lfdi]
            yield from self._sayings.due(device, place, endpoint, mirror, now)
        self.reporting.forget(again, now)

    def collected(self, readings: Readings, now: datetime) -> Iterator[Outgoing]:
        """Yield what tells metered values to the server."""
        line = self.metering.line_of(readings)
        if line is not None and line.fresh(readings):
            self._sayings.metered(line, readings, now)
            self._to_report.add(line.device.lfdi)
        yield from self.metering.collected(readings, now)

    def _note(self, word: str, **fields: str) -> None:
        self._notes.append(Note(word=word, fields=fields))
