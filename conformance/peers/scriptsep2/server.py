"""The suite's 2030.5 server (meets ``kit.sep2.utility.Server``): well-behaved, and wrong wherever a case says so."""

import copy
from collections import deque
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from conformance.kit.replies import Reply
from conformance.kit.sep2.build import written
from conformance.kit.sep2.names import MEDIA_TYPE
from conformance.kit.sep2.notices import Notice
from conformance.kit.sep2.values import Account, Assignment, Control, Price, Program, Tariff
from conformance.kit.stage import UnobservedError
from conformance.kit.transcript import Message
from conformance.kit.verdict import DEFECT
from conformance.kit.xml import Element
from conformance.peers.script2b.door import Address, Door
from conformance.peers.script2b.ports import Answer, Contexts, Recorder
from conformance.peers.script2b.utility import http_date
from conformance.peers.scriptsep2.documents import Documents
from conformance.peers.scriptsep2.notifying import Notifier, Outward
from conformance.peers.scriptsep2.subscribing import Subscriptions
from conformance.peers.scriptsep2.taking import Taker
from conformance.peers.scriptsep2.tree import USUAL, Key, MridNames, Rates, Tree
from gateway.domain.ports import Clock

_XML: Final = ("Content-Type", MEDIA_TYPE)
_NUMBERS: Final = frozenset({"s", "l", "a"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the server behaves in one case."""

    rates: Rates
    lfdi: str
    """Of the client's certificate."""
    devices: tuple[str, ...] = ()
    """LFDIs that it manages; empty: it is the device."""
    aus: bool = False
    subscribable: frozenset[str] = frozenset()
    """Names of the resources that may be subscribed to."""
    mode: str = USUAL
    """By which controls limit power."""
    page: int = 255
    """Members that an answer holds at most."""
    strangers: int = 0
    """EndDevices of others that stand before the client's own in the list."""


class ScriptedServer:
    """One server for one client.

    Args:
        settings: Of the case.
        tape: Records.
        clock: Of the case.
        contexts: TLS identities, one of which is shown; None: plain HTTP.
        address: Where it listens.
        names: Fresh ids.
        outward: Identities by which it notifies.
    """

    def __init__(
        self,
        settings: Settings,
        tape: Recorder,
        clock: Clock,
        contexts: Contexts | None,
        address: Address,
        names: MridNames,
        outward: Outward,
    ) -> None:
        self._settings = settings
        self._tape = tape
        self._clock = clock
        self._contexts = contexts
        self.tree = Tree(names=names, rates=settings.rates)
        self.tree.aus, self.tree.subscribable = settings.aus, settings.subscribable
        self.tree.expected = self.devices if settings.aus else ()
        self.tree.page, self.tree.mode = settings.page, settings.mode
        self._documents = Documents(self.tree)
        self.tree.own = settings.lfdi
        self._subscriptions = Subscriptions(self.tree, secure=contexts is not None)
        self._taker = Taker(self.tree, self._documents, self._subscriptions)
        self._notifier = Notifier(self._documents, self._subscriptions, tape, clock, outward)
        self._door = Door(self._serve, tape, clock, contexts, address)
        self._next: dict[str, deque[Reply]] = {}
        self._always: dict[str, Reply] = {}

    # --- for the runner

    @property
    def url(self) -> str:
        """Return the address to give to the device: that of DeviceCapability."""
        return self._door.url + self.tree.href("DeviceCapability")

    async def open(self) -> None:
        """Listen."""
        await self._door.up()
        self._notifier.root = self._door.url
        self._notifier.open()

    async def close(self) -> None:
        """Close everything."""
        await self._notifier.close()
        await self._door.down()

    # --- notifications

    async def notify(self, notice: Notice) -> Message | None:
        """Send one notification now."""
        return await self._notifier.order(notice)

    def hush(self, *, silent: bool = True) -> None:
        """Tell nobody of changes."""
        self._notifier.silent = silent

    def forget_subscriptions(self) -> None:
        """Lose every subscription."""
        for key in self._subscriptions.all():
            self._subscriptions.drop(key)

    # --- what a script may ask

    @property
    def lfdi(self) -> str:
        """Return the LFDI of the client's certificate."""
        return self._settings.lfdi

    @property
    def devices(self) -> tuple[str, ...]:
        """Return the LFDIs of the EndDevices that controls are for."""
        return self._settings.devices or (self._settings.lfdi,)

    @property
    def programs(self) -> tuple[str, ...]:
        """Return the ids of the programs that are assigned."""
        rows = (name for one in self.tree.assignments.values() for name in one.programs)
        return tuple(dict.fromkeys(rows))

    def put_program(self, program: Program, *, assigned: str = "") -> None:
        """Add or replace a program."""
        self.tree.programs[program.id] = program
        if assigned:
            before = self.tree.assignments[assigned]
            names = dict.fromkeys((*before.programs, program.id))
            self.tree.assignments[assigned] = replace(before, programs=tuple(names))
        self._notifier.look()

    def drop_program(self, program_id: str) -> None:
        """Remove a program."""
        del self.tree.programs[program_id]
        for name, one in self.tree.assignments.items():
            kept = tuple(p for p in one.programs if p != program_id)
            self.tree.assignments[name] = replace(one, programs=kept)
        self._notifier.look()

    def put_assignment(self, assignment: Assignment, *lfdis: str) -> None:
        """Add or replace an assignment."""
        new = assignment.id not in self.tree.assignments
        self.tree.assignments[assignment.id] = assignment
        for lfdi in lfdis or (self.devices if new else ()):
            account = self.tree.accounts[lfdi]
            names = tuple(dict.fromkeys((*account.assignments, assignment.id)))
            self.tree.accounts[lfdi] = replace(account, assignments=names)
        self._notifier.look()

    def drop_assignment(self, assignment_id: str) -> None:
        """Take an assignment away."""
        for lfdi, account in self.tree.accounts.items():
            kept = tuple(a for a in account.assignments if a != assignment_id)
            self.tree.accounts[lfdi] = replace(account, assignments=kept)
        del self.tree.assignments[assignment_id]
        self._notifier.look()

    def put_account(self, account: Account) -> None:
        """Add or replace an EndDevice."""
        self.tree.accounts[account.lfdi] = account
        self._notifier.look()

    def account(self, lfdi: str = "") -> Account:
        """Return an EndDevice."""
        return self.tree.accounts[lfdi or self.lfdi]

    def drop_account(self, lfdi: str) -> None:
        """Remove an EndDevice."""
        del self.tree.accounts[lfdi]
        self._notifier.look()

    def publish(self, program_id: str, *controls: Control) -> None:
        """Add or replace controls."""
        for control in controls:
            self.tree.put_control(program_id, control, self._clock.now())
            self._tape.mark("suite.publish", control=control.id, mrid=self.mrid(control.id))
        self._notifier.look()

    def cancel(self, control_id: str, *, randomly: bool = False) -> None:
        """Set a control to cancelled."""
        for program, control in list(self.tree.controls_of(control_id)):
            self.publish(program, control.cancelled(randomly=randomly))
        self._tape.mark("suite.cancel", control=control_id)

    def withdraw(self, control_id: str) -> None:
        """Drop a control."""
        for program, _ in list(self.tree.controls_of(control_id)):
            del self.tree.controls[program][control_id]
        self._notifier.look()

    def put_tariff(self, tariff: Tariff, assignment: str) -> None:
        """Add or replace a tariff."""
        self.tree.tariffs[tariff.id] = tariff
        before = self.tree.tariffs_of.get(assignment, ())
        self.tree.tariffs_of[assignment] = tuple(dict.fromkeys((*before, tariff.id)))

    def price(self, tariff: str, component: str, *prices: Price) -> None:
        """Add or replace prices."""
        held = self.tree.prices.setdefault((tariff, component), {})
        for one in prices:
            held[one.id] = replace(one, created=one.created or self._clock.now())
            self._tape.mark("suite.publish", control=one.id, mrid=self.mrid(one.id))

    def mrid(self, name: str) -> str:
        """Return an mRID."""
        given = next((c.mrid for _, c in self.tree.controls_of(name)), "")
        return self.tree.mrid(name, given)

    def set_rates(self, *, poll_s: int = -1, walk_s: int = -1, post_s: int = -1) -> None:
        """Change rates."""
        given = {"poll": poll_s, "walk": walk_s, "post": post_s}
        changed = {name: value for name, value in given.items() if value >= 0}
        self.tree.rates = replace(self.tree.rates, **changed)
        if post_s >= 0:
            for lfdi, account in self.tree.accounts.items():
                self.tree.accounts[lfdi] = replace(account, post_s=post_s)

    def set_time(self, *, offset: timedelta | None = None, **fields: int) -> None:
        """Change the Time resource."""
        if offset is not None:
            self.tree.offset = offset
        self.tree.time_fields.update(fields)

    def answer_next(self, what: str, *replies: Reply) -> None:
        """Answer the next requests so."""
        self._next.setdefault(what, deque()).extend(replies)

    def answer_always(self, what: str, reply: Reply | None) -> None:
        """Answer every request so."""
        if reply is None:
            self._always.pop(what, None)
        else:
            self._always[what] = reply

    def document(self, what: str, *ids: str) -> Element:
        """Return a document."""
        found = self._documents.make((what, *ids), self._clock.now(), {"l": "255"})
        if found is None:
            raise KeyError(what)
        return copy.deepcopy(found)

    def href(self, what: str, *ids: str) -> str:
        """Return where a resource lies."""
        return self.tree.href(what, *ids)

    def move(self, what: str) -> None:
        """Give resources new hrefs."""
        self.tree.move(what)
        self._notifier.look()

    async def down(self) -> None:
        """Close the port."""
        self._tape.mark("suite.down")
        self._notifier.away = True
        await self._door.down()

    async def up(self) -> None:
        """Listen again."""
        await self._door.up()
        self._tape.mark("suite.up")
        self._notifier.away = False
        self._notifier.look()

    def show(self, face: str) -> None:
        """Show this identity."""
        wear = getattr(self._contexts, "wear", None)
        if wear is None:
            raise UnobservedError(f"be shown {face}, for which the suite needs a PKI of its own")
        wear(face)
        self._tape.mark("suite.face", face=face)

    def schedule(self, text: str) -> None:
        """Strike by a fault schedule."""
        self._door.strike(text)

    # --- answers

    async def _serve(self, request: Message) -> Answer:
        try:
            return self._answer(request)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            what = f"the suite's server: {type(error).__name__}: {error}"
            self._tape.mark(DEFECT, what=what)
            return self._said(500, (), b"", None)

    def _answer(self, request: Message) -> Answer:
        path, _, tail = request.path.partition("?")
        key = self.tree.key(path)
        name = key[0] if key else ""
        reply = self._ordered(request.method, name)
        if reply is not None and (reply.body is not None or reply.element is not None):
            body = reply.body if reply.element is None else written(reply.element)
            return self._said(reply.status, (), body or b"", reply)
        if key is None or not self._documents.has(key):
            return self._said(404, (), b"", reply)
        if request.method in ("GET", "HEAD"):
            return self._read(request, key, tail, reply)
        status, headers = self._taker.take(request, key)
        self._notifier.learn()
        return self._said(status, headers, b"", reply)

    def _ordered(self, method: str, name: str) -> Reply | None:
        for what in (f"{method} {name}", name, "*"):
            waiting = self._next.get(what)
            if waiting:
                return waiting.popleft()
        found = (self._always.get(what) for what in (f"{method} {name}", name, "*"))
        return next((reply for reply in found if reply is not None), None)

    def _read(self, request: Message, key: Key, tail: str, reply: Reply | None) -> Answer:
        query = dict(pair.partition("=")[::2] for pair in tail.split("&") if pair)
        if any(not value.isdigit() for name, value in query.items() if name in _NUMBERS):
            return self._said(400, (), b"", reply)
        found = self._documents.make(key, self._clock.now(), query)
        if found is None:
            return self._said(404, (), b"", reply)
        if reply is not None and reply.edit is not None:
            found = copy.deepcopy(found)
            reply.edit(found)
        body = written(found)
        wrong = "; ".join(c.wrong for c in self._shown(key) if c.wrong)
        length = (("Content-Length", str(len(body))),)
        if request.method == "HEAD":
            return self._said(200, length, b"", reply)
        return self._said(200, (), body, reply, wrong)

    def _shown(self, key: Key) -> list[Control]:
        held = self.tree.controls.get(key[1], {}) if key[0].startswith("DERControl") else {}
        return list(held.values())

    def _said(
        self,
        code: int,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        reply: Reply | None,
        wrong: str = "",
    ) -> Answer:
        usual = (("Date", http_date(self._clock.now())), *headers)
        given = reply.headers if reply is not None else ()
        named = {name.lower() for name, _ in given}
        kept = tuple(p for p in (*((_XML,) if body else ()), *usual) if p[0].lower() not in named)
        phrase = next((s.phrase for s in HTTPStatus if s.value == code), "Unknown")
        return Answer(
            status=f"{code} {phrase}",
            headers=(*kept, *given),
            body=body,
            wrong=(reply.wrong if reply else "") or wrong,
            fault=reply.fault if reply else "",
        )
