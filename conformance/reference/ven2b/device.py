"""The reference VEN: registers, polls or listens, answers, reports, and does what its operator asks.

One task does everything in turn; operators and pushed messages leave work in its mailbox. Everything it meters is
simulated. ``memory`` outlives it: a device made anew on the same memory is one that was restarted.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.ven2b import metadata, opts, producer, registration
from conformance.reference.ven2b.envelope import Envelope, Plain, Signed
from conformance.reference.ven2b.events import Events
from conformance.reference.ven2b.inbox import EVENT, REGISTER, REPORT, Answer, Inbox
from conformance.reference.ven2b.link import Link
from conformance.reference.ven2b.push import endpoints
from conformance.reference.ven2b.reports import Reports
from conformance.reference.ven2b.settings import BASE_PATH, Settings
from conformance.reference.ven2b.state import Memory
from conformance.reference.wire2b import every, local, make, message, text
from gateway.domain.chance import Chance
from gateway.domain.ports import Clock, Mailbox
from gateway.domain.timespan import LATEST, Span
from gateway.transport.server import Listener, listen

OPT: Final = "EiOpt"
POLL: Final = "OadrPoll"
NOT_REGISTERED: Final = "463"
MOST_POLLS: Final = 50
"""In one go, for a VTN whose queue never runs dry."""
Job = Callable[[], Awaitable[None]]


class Ven:
    """One device.

    Args:
        settings: What the lab told it.
        clock: Its time.
        chance: Its dice.
        memory: What it remembered before a restart.
    """

    def __init__(
        self, settings: Settings, clock: Clock, chance: Chance, memory: Memory | None = None
    ) -> None:
        self.memory = memory if memory is not None else Memory()
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._envelope = self._enveloping()
        self._link = Link(settings, self._envelope, clock, chance)
        self._events = Events(self.memory, settings, chance)
        self._reports = Reports(self.memory, settings, self._number)
        self._inbox = Inbox(self.memory, self._events, self._reports)
        self._jobs: deque[Job] = deque()
        self._bell: Mailbox[bool] = clock.mailbox()
        self._resting = False
        self._origin = clock.now() - timedelta(seconds=clock.elapsed_s())
        self._next_poll: datetime | None = None
        self._listener: Listener | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        with self._clock.held():
            try:
                await self._open()
                await self._begin()
                while True:
                    await self._work()
            finally:
                await self._link.close()
                if self._listener is not None:
                    await self._listener.stop()

    # --- what an operator may ask; each returns at once, the work is done in turn

    def query(self) -> None:
        """Ask the VTN about itself and this VEN's registration."""
        self._leave(self._query)

    def register(self, *, afresh: bool = False) -> None:
        """Register, or register again; ``afresh`` drops the ids of the present registration."""
        self._leave(lambda: self._register(afresh=afresh))

    def cancel_registration(self) -> None:
        """End the registration."""
        self._leave(self._cancel_registration)

    def request_events(self, limit: str = "") -> None:
        """Ask for the list of events, all of them or the first so many."""
        self._leave(lambda: self._request_events(limit))

    def opt(self, event_id: str, opt: str) -> None:
        """Change the answer to an event: ``optIn`` or ``optOut``."""
        self._leave(lambda: self._post(EVENT, self._events.change(event_id, opt)))

    def opt_for_event(self, event_id: str, opt: str, opt_id: str) -> None:
        """Opt for an event by an oadrCreateOpt."""
        self._leave(lambda: self._opt_for_event(event_id, opt, opt_id))

    def opt_schedule(self, opt: str, windows: Sequence[Span], opt_id: str) -> None:
        """Announce when this VEN is available (``optIn``) or not."""
        self._leave(lambda: self._opt_schedule(opt, windows, opt_id))

    def cancel_opt(self, opt_id: str) -> None:
        """Take back an opt schedule."""
        self._leave(lambda: self._cancel_opt(opt_id))

    def ask_metadata(self, name: str) -> None:
        """Ask the VTN which reports it offers, under a reportRequestID."""
        self._leave(lambda: self._ask(producer.metadata_request(name), name))

    def ask_report(
        self,
        name: str,
        specifier: str,
        points: tuple[str, ...],
        every_: timedelta,
        period: Span,
    ) -> None:
        """Ask the VTN for a periodic report."""
        request = producer.periodic_request(name, specifier, points, every_, period)
        self._leave(lambda: self._ask(request, name))

    def end_report(self, name: str) -> None:
        """Cancel a report that the VTN delivers."""
        self._leave(lambda: self._end_report(name))

    def ask_metadata_inside(self, name: str) -> None:
        """Ask for the VTN's metadata inside the next oadrRegisteredReport."""
        self.memory.inside = name

    def end_report_inside(self, name: str) -> None:
        """Cancel a report inside the next oadrUpdatedReport to it."""
        self.memory.unwanted = name

    def fail_meter(self) -> None:
        """Have the meter measure nothing from now on."""
        self.memory.failures.append(Span(start=self._clock.now(), end=LATEST))

    def mend_meter(self) -> None:
        """Have the meter measure again."""
        failed = self.memory.failures.pop()
        self.memory.failures.append(Span(start=failed.start, end=self._clock.now()))

    def override(self, *, on: bool) -> None:
        """Have somebody at the site take over, or hand back."""
        self.memory.override = on

    def running(self) -> dict[str, str]:
        """Return the events acted on now, with the value in force."""
        return self._events.running(self._clock.now())

    @property
    def address(self) -> str:
        """Return oadrTransportAddress of a push VEN: scheme, host and port."""
        return self._listener.url if self._listener is not None else ""

    # --- work

    def _enveloping(self) -> Envelope:
        told = self._settings
        if not told.signing_key:
            return Plain()
        own = (told.certificate, told.signing_key, told.vtn_certificate)
        return Signed(*own, self.memory, self._clock, self._nonce)

    def _nonce(self) -> str:
        return f"{self._chance.randint(0, 1 << 128):032x}"

    async def _open(self) -> None:
        if self._settings.push:
            app = endpoints(self._pushed, self._envelope, self._clock)
            port = self._settings.listen_port
            self._listener = await listen(app, "127.0.0.1", port, self._settings.server_tls)

    async def _begin(self) -> None:
        if self.memory.registration is not None:
            await self._request_events()
            self._next_poll = self._steady()
            return
        if self._settings.query_first:
            await self._query()
        await self._register()

    async def _work(self) -> None:
        now = self._steady()
        if self._polls() and self._next_poll is not None and self._next_poll <= now:
            await self._poll(now)
        await self._report()
        if not self._jobs:
            self._resting = True
            await self._bell.get(until=self._wake())
            self._resting = False
        if self._jobs:
            await self._jobs.popleft()()

    def _leave(self, job: Job) -> None:
        """Leave work; the bell rings only for one who rests: a job may wait long behind another that pauses."""
        self._jobs.append(job)
        if self._resting:
            self._resting = False
            self._bell.put(True)

    def _wake(self) -> datetime | None:
        instants = [self._reports.next_due() if self.memory.registration else None]
        if self._polls() and self._next_poll is not None:
            instants.append(self._clock.now() + (self._next_poll - self._steady()))
        return min((at for at in instants if at is not None), default=None)

    def _steady(self) -> datetime:
        """Return a time that runs on whatever is done to the clock; polls are due by it (rule 500)."""
        return self._origin + timedelta(seconds=self._clock.elapsed_s())

    def _polls(self) -> bool:
        return self.memory.registration is not None and not self._settings.push

    async def _poll(self, now: datetime) -> None:
        """Poll until the queue is empty; periods count from start to start."""
        for _ in range(MOST_POLLS):
            current = self.memory.registration
            if current is None:
                return
            self._next_poll = now + current.poll
            ven_id = make("ei:venID", current.ven_id)
            answer = await self._link.tell(POLL, message("oadr:oadrPoll", ven_id))
            if answer is None:
                return
            if local(answer) == "oadrResponse":
                await self._polled_nothing(answer)
                return
            await self._owe(self._inbox.take(answer, self._clock.now()))
            await self._report()

    async def _polled_nothing(self, answer: Element) -> None:
        """Register anew when the VTN knows this VEN no more."""
        if text(answer, "ei:eiResponse/ei:responseCode") == NOT_REGISTERED:
            registration.forget(self.memory)
            await self._register()

    def _pushed(self, content: Element) -> Element | None:
        """Take a pushed message: events are answered in an exchange of their own (section 9.1.1.2)."""
        answer = self._inbox.take(content, self._clock.now())
        if answer.service == EVENT or answer.again:
            kept = None if answer.service == EVENT else answer.content
            late = answer if kept is None else Answer(again=True)
            self._leave(lambda: self._owe(late))
            return kept
        self._leave(self._report)
        return answer.content

    async def _owe(self, answer: Answer) -> None:
        await self._post(answer.service, answer.content)
        if answer.again:
            await self._register()

    async def _post(self, service: str, content: Element | None, *, limited: bool = False) -> None:
        """Send a message and take what the answer brings along."""
        if content is None:
            return
        reply = await self._link.tell(service, content)
        if reply is None:
            return
        name = local(reply)
        if name == "oadrDistributeEvent":
            await self._owe(self._inbox.take(reply, self._clock.now(), limited=limited))
        elif name == "oadrUpdatedReport":
            self._reports.delivered(reply)
        elif name == "oadrRegisteredReport" and every(reply, "oadr:oadrReportRequest"):
            await self._piggy_backed(reply)

    async def _piggy_backed(self, reply: Element) -> None:
        """Take the requests that came with an oadrRegisteredReport (section 8.3.2.1)."""
        current = self.memory.registration
        if current is not None:
            code = self._reports.take(reply, self._clock.now())
            await self._post(REPORT, self._reports.created(current.ven_id, self._number("r"), code))

    async def _report(self) -> None:
        current = self.memory.registration
        if current is not None:
            for update in self._reports.due(current.ven_id, self._clock.now()):
                await self._post(REPORT, update)

    async def _query(self) -> None:
        await self._link.tell(REGISTER, registration.asking(self._number("query")))

    async def _register(self, *, afresh: bool = False) -> None:
        current = None if afresh else self.memory.registration
        address = self.address + BASE_PATH
        content = registration.creating(self._settings, self._number("reg"), address, current)
        reply = await self._link.tell(REGISTER, content)
        if reply is None or not registration.registered(self.memory, self._settings, reply):
            return
        self._next_poll = self._steady()
        if current is None:
            self._reports.forget()
            await self._offer()
            await self._request_events()

    async def _offer(self) -> None:
        current = self.memory.registration
        if current is not None:
            now, number = self._clock.now(), self._number("offer")
            offers = metadata.registering(self._settings, number, current.ven_id, now)
            await self._post(REPORT, offers)

    async def _request_events(self, limit: str = "") -> None:
        current = self.memory.registration
        if current is not None:
            content = make(
                "pyld:eiRequestEvent",
                make("pyld:requestID", self._number("events")),
                make("ei:venID", current.ven_id),
                make("pyld:replyLimit", limit) if limit else None,
            )
            asking = message("oadr:oadrRequestEvent", content)
            await self._post(EVENT, asking, limited=bool(limit))

    async def _cancel_registration(self) -> None:
        current = self.memory.registration
        if current is not None:
            content = registration.cancelling(self._number("end"), current)
            reply = await self._link.tell(REGISTER, content)
            if reply is not None and text(reply, "ei:eiResponse/ei:responseCode") == "200":
                registration.forget(self.memory)

    async def _opt_for_event(self, event_id: str, opt: str, opt_id: str) -> None:
        current = self.memory.registration
        known = self.memory.events.get(event_id)
        if current is not None and known is not None and known.always:
            known.opt = opt
            known.by_opt = True
            content = opts.of_event(
                opt,
                known,
                opt_id=opt_id,
                request_id=self._number("opt"),
                ven_id=current.ven_id,
                resource=self._settings.resource,
                now=self._clock.now(),
            )
            await self._post(OPT, content)

    async def _opt_schedule(self, opt: str, windows: Sequence[Span], opt_id: str) -> None:
        current = self.memory.registration
        if current is not None:
            content = opts.schedule(
                opt,
                windows,
                opt_id=opt_id,
                request_id=self._number("opt"),
                ven_id=current.ven_id,
                resource=self._settings.resource,
                now=self._clock.now(),
            )
            self.memory.opts[opt_id] = content
            await self._post(OPT, content)

    async def _cancel_opt(self, opt_id: str) -> None:
        current = self.memory.registration
        if current is not None:
            self.memory.opts.pop(opt_id, None)
            content = opts.cancelling(opt_id, self._number("opt"), current.ven_id)
            await self._post(OPT, content)

    async def _ask(self, request: Element, name: str) -> None:
        current = self.memory.registration
        if current is not None:
            self.memory.asked.append(name)
            await self._post(REPORT, producer.asking(self._number("ask"), current.ven_id, request))

    async def _end_report(self, name: str) -> None:
        current = self.memory.registration
        if current is not None:
            self.memory.asked.remove(name)
            await self._post(REPORT, producer.ending(self._number("end"), current.ven_id, name))

    def _number(self, word: str) -> str:
        self.memory.numbers += 1
        return f"{word}-{self.memory.numbers}"
