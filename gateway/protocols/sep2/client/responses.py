"""Responses as they go out: equal ones of many devices are written once, but for the LFDI.

Spec: IEEE 2030.5-2018 8.8 (responses).
"""

from dataclasses import dataclass, field
from typing import Final

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.device import Device, response
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.state import Outgoing, Purpose
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.events.values import Respond

MOST: Final = 250
"""Documents that are remembered; they matter for a moment."""
_LFDI: Final = "0123456789ABCDEF0123456789ABCDEF01234567"
"""Stands in a document for that of a device."""


@dataclass(slots=True, kw_only=True)
class Responses:
    """Writes the responses of one session.

    Args:
        setting: The utility.
    """

    setting: Setting
    _written: dict[tuple[Respond, type[sep.Resource]], str] = field(default_factory=dict)

    def made(self, device: Device, respond: Respond, href: str) -> Outgoing:
        """Return one response of one device.

        Args:
            device: Whose it is.
            respond: What the engine wants told.
            href: Where to.
        """
        found = device.listed.get(respond.key)
        kind = type(found) if found else sep.Response
        body = self._written.get((respond, kind))
        if body is None:
            document = response(respond, _LFDI, kind)
            body = encode(document, self.setting.flavour).decode()
            if len(self._written) >= MOST:
                self._written.clear()
            self._written[respond, kind] = body
        mrid = respond.key[1]
        return Outgoing(
            key=f"{Purpose.RESPONSE} {device.lfdi}/{mrid}/{int(respond.status)}",
            purpose=Purpose.RESPONSE,
            method="POST",
            href=href,
            body=body.replace(_LFDI, device.lfdi),
            subject=mrid,
        )
