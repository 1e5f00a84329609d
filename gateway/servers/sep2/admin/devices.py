"""Devices of the operator's interface: registered by LFDI or by certificate, and listed."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import BaseModel

from gateway.domain.errors import WireError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.identity import lfdi_of, pin_doubt, sfdi_of
from gateway.protocols.sep2.server.devices import NewDevice
from gateway.servers.sep2.admin import documents as d
from gateway.servers.sep2.admin.asked import Asked


async def register(asked: Asked) -> BaseModel:
    """Register a device by its LFDI."""
    return await _registered(asked, asked.path["lfdi"], asked.body)


async def register_certificate(asked: Asked) -> BaseModel:
    """Register a device by its certificate."""
    body: d.CertificateBody = asked.body
    try:
        first, *_ = x509.load_pem_x509_certificates(body.certificate.encode())
    except ValueError:
        raise WireError("INVALID_BODY", "/certificate: no certificate in PEM can be read") from None
    return await _registered(asked, lfdi_of(first.public_bytes(Encoding.DER)), body)


async def _registered(asked: Asked, lfdi: str, body: d.DeviceBody) -> BaseModel:
    new = NewDevice(
        lfdi=lfdi,
        pin=body.pin,
        manager=body.manager or "",
        category=body.category,
        ders=body.ders,
        aggregator=body.aggregator,
    )
    name = await asked.utility.operate(lambda o, now: o.register(new, now))
    doubt = None if body.pin is None else pin_doubt(body.pin)
    return d.Registered(name=name, sfdi=sfdi_of(name), doubt=doubt)


async def list_devices(asked: Asked) -> BaseModel:
    """List every device; PINs are not told."""
    book = asked.utility.desk.server.book
    found = []
    for one in book.devices():
        if isinstance(one.value, sep.EndDevice):
            shown = d.DeviceShown(
                lfdi=one.scope,
                sfdi=one.value.sfdi,
                href=book.moves.outer(one.href),
                enabled=one.value.enabled is not False,
                registered=one.value.registration_link is not None,
                manages=tuple(sorted(book.acts_for(one.scope) - {one.scope})),
            )
            found.append(shown)
    return d.DevicesShown(items=tuple(found))
