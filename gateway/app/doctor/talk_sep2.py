"""Speaks to a 2030.5 server without changing anything: it reads, as any client may, and writes nothing.

DeviceCapability, Time, the list of devices, our entry in it, and its Registration: are we known there, are we enabled,
and is the PIN the one that was handed over. Reading counts nothing as delivered: a running gateway is not in the way.

Spec: IEEE 2030.5-2018 clauses 8.5 (EndDevice), 8.6 (registration); CSIP CORE-003, BASIC-001.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urljoin

from gateway.app.doctor.finding import Finding, Scribe
from gateway.domain.errors import TransportError, WireError
from gateway.domain.ports import Clock
from gateway.northbound.sep2_exchange import MEDIA_TYPE, Sep2Exchange
from gateway.protocols.actions import Message, Send
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.codec import decode
from gateway.protocols.sep2.identity import pin_doubt, same_hex, sfdi_of
from gateway.transport.client import PeerClient

WARN_S: Final = 30.0
FAIL_S: Final = 300.0
MOST_DEVICES: Final = 20_000
_OK: Final = 200
_PAGE: Final = 255
T = TypeVar("T", bound=sep.Resource)


class _Ended(Exception):  # noqa: N818 - no error: what was found ends the talk
    """Nothing more can be asked; carries the finding that says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkSep2:
    """What is needed to speak.

    Args:
        write: Writes findings.
        clock: Time.
        client: Connection to the server; closed at the end.
        root: Of the DeviceCapability.
        options: The utility's own settings.
        lfdi: Ours; empty: without a certificate nobody knows it.
    """

    write: Scribe
    clock: Clock
    client: PeerClient
    root: str
    options: Sep2Options
    lfdi: str

    async def speak(self, store: Path | None) -> list[Finding]:
        """Read what a gateway reads first; ``store`` is not needed."""
        found: list[Finding] = []
        try:
            await self._walk(found)
        except _Ended as ended:
            found.append(ended.finding)
        finally:
            await self.client.close()
        return found

    async def _walk(self, found: list[Finding]) -> None:
        root, _ = await self._get(self.root, sep.DeviceCapability)
        if root.time_link is not None:
            found.append(await self._clock(urljoin(self.root, root.time_link.href)))
        if root.end_device_list_link is None:
            text = "the DeviceCapability leads to no list of devices"
            raise _Ended(self.write.fail("register", "REGISTRATION", text))
        listing = urljoin(self.root, root.end_device_list_link.href)
        devices = await self._devices(listing)
        wanted = [(self.lfdi, self.options.pin)] if self.lfdi else []
        wanted += [(one.lfdi, one.pin) for one in self.options.device]
        if not wanted:
            text = "without a certificate and without `lfdi` nobody knows whom to look for"
            raise _Ended(self.write.skip("register", text))
        for lfdi, pin in wanted:
            found.append(await self._registered(lfdi, pin, devices, listing))

    async def _clock(self, href: str) -> Finding:
        sent = self.clock.now()
        time, _ = await self._get(href, sep.Time)
        middle = sent + (self.clock.now() - sent) / 2
        told = datetime.fromtimestamp(time.current_time, UTC)
        offset = (told - middle).total_seconds() + 0.5
        text = f"the server's time is {offset:+.0f} s against ours, of quality {time.quality}"
        facts = {"offset_s": round(offset, 1), "quality": time.quality}
        if abs(offset) > FAIL_S:
            return self.write.fail("clock", "CLOCK_OFF", text, **facts)
        if abs(offset) > WARN_S:
            return self.write.warn("clock", "CLOCK_OFF", text, **facts)
        return self.write.ok("clock", text, **facts)

    async def _devices(self, href: str) -> list[sep.EndDevice]:
        """Read the list to its end, page by page (clause 4.6.2)."""
        found: list[sep.EndDevice] = []
        while True:
            page, _ = await self._get(f"{href}?s={len(found)}&l={_PAGE}", sep.EndDeviceList)
            found += page.end_device
            if not page.end_device or len(found) >= min(page.all, MOST_DEVICES):
                return found

    async def _registered(
        self, lfdi: str, pin: int | None, devices: list[sep.EndDevice], listing: str
    ) -> Finding:
        ours = next((one for one in devices if _is(one, lfdi)), None)
        if ours is None:
            return self._unlisted(lfdi, len(devices))
        facts = {"lfdi": lfdi, "href": ours.href or ""}
        if ours.enabled is False:
            text = f"{lfdi} is listed and not enabled; ask the utility to enable it"
            return self.write.fail("register", "REGISTRATION", text, **facts)
        if ours.registration_link is None:
            text = f"{lfdi} is listed, without a registration: no PIN to compare"
            return self.write.ok("register", text, **facts)
        href = urljoin(urljoin(listing, ours.href or ""), ours.registration_link.href)
        registration, _ = await self._get(href, sep.Registration)
        doubt = pin_doubt(registration.pin)
        if pin is None:
            text = f"{lfdi} is listed; its PIN is not compared, since none is configured"
            return self.write.ok("register", text, **facts)
        if registration.pin != pin:
            text = f"{lfdi} is listed with another PIN; set `pin` as the utility handed it over"
            return self.write.fail("register", "REGISTRATION", text, **facts)
        text = f"{lfdi} is listed, and its PIN is the one that was handed over"
        return self.write.ok("register", text + (f" ({doubt})" if doubt else ""), **facts)

    def _unlisted(self, lfdi: str, number: int) -> Finding:
        facts = {"lfdi": lfdi, "listed": number}
        text = f"{lfdi} is not among the {number} devices that the server shows us"
        if self.options.registration == "in_band" and same_hex(lfdi, self.lfdi):
            return self.write.ok("register", f"{text}; `gridgate run` registers it", **facts)
        text = f"{text}; hand LFDI and SFDI {sfdi_of(lfdi)} over to the utility"
        return self.write.fail("register", "REGISTRATION", text, **facts)

    async def _get(self, href: str, kind: type[T]) -> tuple[T, Message]:
        exchange = Sep2Exchange(client=self.client, root=self.root)
        name = kind.__name__
        send = Send(
            request_id=name,
            service=name,
            body=b"",
            media_type=MEDIA_TYPE,
            method="GET",
            href=href,
        )
        try:
            answer = await exchange(send)
        except TransportError as error:
            raise _Ended(self.write.error("register", error)) from None
        if answer.status != _OK:
            raise _Ended(self._status(name, answer.status))
        try:
            found = decode(answer.body, kind, old_namespace=self.options.old_namespace)
        except WireError as error:
            raise _Ended(self.write.error("register", error)) from None
        return found.value, answer

    def _status(self, name: str, status: int) -> Finding:
        text = f"the {name} is answered {status}"
        if status in (401, 403):
            return self.write.fail("register", "CERTIFICATE_REFUSED", text, status=status)
        if status in (404, 405, 410):
            return self.write.fail("register", "NO_SERVICE", text, status=status)
        return self.write.fail("register", "STATUS", text, status=status)


def _is(one: sep.EndDevice, lfdi: str) -> bool:
    if one.lfdi is not None:
        return same_hex(one.lfdi, lfdi)
    return one.sfdi == sfdi_of(lfdi)
