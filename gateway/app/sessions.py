"""One session per utility: made from the configuration and what the store holds, driven until it closes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from importlib.metadata import version

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from pydantic import BaseModel

from gateway.app.line import Line
from gateway.config.load import Loaded
from gateway.config.settings import SiteSection, UtilitySection
from gateway.domain.errors import ConfigError, SessionError, TransportError
from gateway.domain.names import MeterId, SiteId, UtilityName
from gateway.domain.opting import Decision, utility_of
from gateway.domain.ports import Chance, Clock, Ids, Mailbox
from gateway.domain.protocol import SEP2_FAMILY
from gateway.domain.registering import Order, Standing
from gateway.domain.reserving import Need, Reservation, Withdrawal
from gateway.northbound.driver import Driver
from gateway.northbound.health import Health
from gateway.northbound.items import ANSWER_WITHIN, BROKEN, UNAVAILABLE, Ordered, dismiss
from gateway.northbound.lan import Lan
from gateway.northbound.notes import Notes
from gateway.northbound.ports import Exchange, Sink
from gateway.observability.metrics import Metrics
from gateway.pipeline.book import Office
from gateway.pipeline.recovery import Recovery
from gateway.protocols.actions import Collect, Message, Readings, Reply, Send
from gateway.protocols.entry import MeterPoint, ProgramTerms, Scope, SiteTerms, Tools
from gateway.protocols.oadr2b.client import VenSession
from gateway.protocols.registry import PROTOCOLS
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.discovery import service_of
from gateway.protocols.sep2.identity import lfdi_of
from gateway.protocols.session import Registering, Reserving

log = structlog.get_logger()
Tap = Callable[[Message], None]


@dataclass
class Sessions:
    """Drives every utility's session.

    Args:
        loaded: The configuration.
        office: Clock and store.
        sink: Where events go.
        collect: Where readings come from.
        chance: For randomised starts and jitter.
        ids: For request ids.
        schemas: Protocol name -> loader of its compiled schema.
        metrics: Counts exchanges.
        tap: Sees every answer as it comes in.
    """

    loaded: Loaded
    office: Office
    sink: Sink
    collect: Callable[[Collect], Awaitable[Readings]]
    chance: Chance
    ids: Ids
    schemas: Mapping[str, Callable[[], etree.XMLSchema]]
    metrics: Metrics
    tap: Tap | None = None
    recovery: Recovery | None = None
    """Holds sessions back until sites have told what a restored store does not know."""
    before_send: Callable[[], None] = lambda: None
    """Called before each message that goes out."""
    lan: Callable[[Clock], Lan] = Lan
    """Finds servers on the local network."""
    _drivers: dict[UtilityName, Driver] = field(default_factory=dict)
    _lines: dict[UtilityName, Line] = field(default_factory=dict)
    _closed: dict[UtilityName, Mailbox[Ordered]] = field(default_factory=dict)
    """Sessions that have closed, and where an order that begins them anew is put."""
    _seen: dict[UtilityName, str] = field(default_factory=dict)
    """Fingerprint of the certificate that each utility showed last."""

    def decide(self, decision: Decision) -> None:
        """Hand an answer to its utility's session; one that is not running finds it in the store when it starts."""
        driver = self._drivers.get(utility_of(decision))
        if driver is not None:
            driver.decide(decision)

    async def ask(self, name: UtilityName, message: Message) -> Reply:
        """Let a utility's session answer a request; one that is not running is to be asked again later."""
        driver = self._drivers.get(name)
        if driver is None:
            return UNAVAILABLE
        reply = await driver.ask(message)
        try:
            return await self._lines[name].reply(reply)
        except TransportError as error:
            log.error("reply_not_sent", utility=name, reason=error.reason, detail=error.detail)
            return BROKEN

    async def order(self, name: UtilityName, order: Order) -> Standing:
        """Have a utility's session act upon its registration; stored when this returns.

        A session that has closed because its registration was ended is begun anew by an order to register.

        Raises:
            SessionError: ``OUT_OF_SEQUENCE`` or ``REFUSED``: it cannot be done now.
            StoreError: ``BUSY``.
        """
        clock, driver = self.office.clock, self._drivers.get(name)
        wanted, closed = Ordered(order, clock.mailbox()), self._closed.get(name)
        if closed is not None:
            if order not in {Order.RENEW, Order.NEW}:
                detail = "there is no registration: it was ended; renew begins one"
                raise SessionError("OUT_OF_SEQUENCE", detail)
            closed.put(wanted)
        elif driver is not None:
            driver.order(wanted)
        else:
            raise SessionError("REFUSED", "the session has not begun yet; try again in a moment")
        with clock.held():
            await wanted.wait(clock.now() + ANSWER_WITHIN)
        return self.standing(name)

    def standing(self, name: UtilityName) -> Standing:
        """Return how a utility's registration stands.

        Raises:
            SessionError: ``REFUSED`` by a protocol that knows no registrations, or before the session has begun.
        """
        driver = self._drivers.get(name)
        if driver is None or not isinstance(driver.session, Registering):
            raise SessionError("REFUSED", f"utility {name} has no registration to show")
        return driver.session.standing()

    async def reserve(self, name: UtilityName, wish: Need | Withdrawal) -> Sequence[Reservation]:
        """Have a utility's session ask for what a site needs, or withdraw it; stored when this returns.

        Raises:
            SessionError: ``REFUSED``, ``NOT_FOUND``, ``TOO_LATE``, ``OUT_OF_SEQUENCE``.
            StoreError: ``BUSY``.
        """
        clock, driver = self.office.clock, self._drivers.get(name)
        self.reservations(name)
        wanted = Ordered(wish, clock.mailbox())
        if driver is not None:
            driver.order(wanted)
        with clock.held():
            await wanted.wait(clock.now() + ANSWER_WITHIN)
        return self.reservations(name)

    def reservations(self, name: UtilityName) -> Sequence[Reservation]:
        """Return what was asked of a utility ahead, and what it granted.

        Raises:
            SessionError: ``REFUSED`` by a protocol that knows no reservations, or before the session has begun.
        """
        driver = self._drivers.get(name)
        if driver is None or not isinstance(driver.session, Reserving):
            raise SessionError("REFUSED", f"utility {name} takes no reservations")
        return driver.session.reservations()

    def seen(self, name: UtilityName) -> str:
        """Return the fingerprint that a utility showed last, its chain and name verified; empty: none yet."""
        return self._seen.get(name, "")

    def health(self) -> Mapping[UtilityName, Health]:
        """Return what each session says of itself."""
        return {name: driver.health for name, driver in self._drivers.items()}

    async def drive(self, name: UtilityName) -> None:
        """Make one session from what is stored and drive it; one that closes begins anew by order.

        Raises:
            ConfigError: the protocol or its files cannot be used.
            StoreError: the store cannot be trusted any more.
        """
        first: Ordered | None = None
        while True:
            await self._drive(name, first)
            first = await self._next_order(name)

    async def _next_order(self, name: UtilityName) -> Ordered | None:
        """Wait until somebody wants the closed session back."""
        with self.office.clock.held():
            box: Mailbox[Ordered] = self.office.clock.mailbox()
            self._closed[name] = box
            try:
                return await box.get()
            finally:
                del self._closed[name]
                while len(box):  # ordered in the same instant: the first one counts
                    dismiss(await box.get(), UNAVAILABLE)

    async def _drive(self, name: UtilityName, first: Ordered | None) -> None:
        section = next(s for s in self.loaded.settings.utility if s.name == name)
        if self.recovery is not None:
            await self.recovery.sites_told()
        with self.office.clock.held():
            state = await self.office.store.read(lambda work: work.sessions.state(name))
        entry = PROTOCOLS[section.protocol]
        load = self.schemas.get(section.protocol)
        tools = Tools(chance=self.chance, ids=self.ids, schema=load() if load else None)
        options = entry.read_options(section.options)
        section = await self._placed(section, options)
        scope = replace(scope_of(self.loaded, name), root=section.url)
        session = entry.session(options, scope, tools, state)
        if isinstance(session, VenSession) and session.certificate:
            self._seen.setdefault(name, session.certificate)
        old = self._lines.pop(name, None)
        if old is not None:
            await old.close()
        line = Line(self.loaded, section, options, self.office.clock, self.ids)
        self._lines[name] = line
        driver = Driver(
            name,
            session,
            self._looked(name, self.metrics.counted(name, line, self.tap)),
            self.sink,
            self.collect,
            self.office.clock,
            watch=self.office.watch,
            notes=Notes(partial(self._synchronised, name), self.metrics.unproven(name)),
            first=first,
        )
        self._drivers[name] = driver
        health = driver.health
        self.metrics.watch(name, lambda: health.failures_in_a_row, lambda: health.probing)
        await driver.run()

    async def _placed(self, section: UtilitySection, options: BaseModel) -> UtilitySection:
        """Put in the address of the server where it has to be found on the local network first.

        Raises:
            ConfigError: ``NO_PACKAGE``.
        """
        if not (isinstance(options, Sep2Options) and service_of(section.url)):
            return section
        pin, edition = section.server_fingerprint, options.edition
        server = await self.lan(self.office.clock).found(section.url, pin, edition)
        return section.model_copy(update={"url": server.url})

    def _synchronised(self, name: UtilityName) -> None:
        if self.recovery is not None:
            self.recovery.synchronised(name)

    def _looked(self, name: UtilityName, exchange: Exchange) -> Exchange:
        """Look once more, right before the network, whether this gateway may still speak (R-OUT-1)."""

        async def send(wanted: Send) -> Message:
            self.office.last_look()
            self.before_send()
            answer = await exchange(wanted)
            self._seen[name] = answer.peer
            return answer

        return send

    def look_again(self) -> None:
        """Take certificates that were refused into consideration once more."""
        for line in self._lines.values():
            line.look_again()

    async def close(self) -> None:
        """Close every connection."""
        for line in self._lines.values():
            await line.close()


def scope_of(loaded: Loaded, name: UtilityName) -> Scope:
    """Return the part of a configuration that one utility's session concerns."""
    section = next(section for section in loaded.settings.utility if section.name == name)
    programs = [p for p in loaded.settings.program if p.utility == name]
    sites = {site for program in programs for site in program.sites}
    ours = [site for site in loaded.settings.site if site.id in sites]
    return Scope(
        utility=name,
        clock_policy=section.clock_policy,
        software=f"gridgate {version('gridgate')}",
        site_terms=tuple(_site_terms(site) for site in ours),
        root=section.url,
        lfdi=_lfdi(loaded, section),
        contracted_import_kw=sum((site.contracted_import_kw for site in ours), Decimal(0)),
        programs=tuple(
            ProgramTerms(
                name=program.name,
                sites=tuple(SiteId(site) for site in program.sites),
                delta_sign=program.delta_sign,
                delta_basis=program.delta_basis,
                capacity_is_cap=program.capacity_is_cap,
            )
            for program in programs
        ),
        points=tuple(
            MeterPoint(site=SiteId(site.id), meter=MeterId(meter.id), interval=meter.interval)
            for site in ours
            for meter in site.meter
        ),
    )


def _site_terms(site: SiteSection) -> SiteTerms:
    """Return what a utility may be told of a site."""
    guard = site.guard
    lowest = (
        guard.lowest_import_kw if guard else None
    )  # zero: no more was said than that it may be off
    return SiteTerms(
        site=SiteId(site.id),
        meter=MeterId(site.contract_meter),
        contracted_import_kw=site.contracted_import_kw,
        lowest_import_kw=lowest or site.fail_safe_import_kw,
        longest_event=guard.longest_event if guard else None,
    )


def _lfdi(loaded: Loaded, section: UtilitySection) -> str:
    """Return what our certificate calls us in IEEE 2030.5; empty elsewhere, and while there is no certificate.

    Raises:
        ConfigError: ``UNUSABLE_FILE``.
    """
    if section.protocol not in SEP2_FAMILY or section.certificate is None:
        return ""
    path = loaded.path(section.certificate)
    try:
        leaf = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError) as error:
        fault = f"utility {section.name}: {path} is no certificate ({error}); give a PEM file"
        raise ConfigError((fault,), "UNUSABLE_FILE") from None
    return lfdi_of(leaf.public_bytes(Encoding.DER))
