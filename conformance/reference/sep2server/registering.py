"""EndDevices that clients register, change and remove themselves.

Spec: IEEE 2030.5-2018 clause 8.5; CSIP Implementation Guide v2.1 section 6.1; CSIP-AUS S-ALL-02, -03, -51, -52, -56.
"""

from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.sep2server.identity import sfdi_of, well_formed
from conformance.reference.sep2server.minting import Mint
from conformance.reference.sep2server.paths import Ids, path_of
from conformance.reference.sep2server.refusal import RefusedError
from conformance.reference.sep2server.removing import forget
from conformance.reference.sep2server.state import Device
from conformance.reference.sep2server.taken import Done
from conformance.reference.sep2server.view import View
from conformance.reference.sep2server.wire import text

_KEPT: Final = ("deviceCategory",)


def post(view: View, mint: Mint, _: Ids, root: Element) -> Done:
    """Register a device: a client itself, an aggregator those that it will manage.

    Raises:
        RefusedError: 403 where nobody registers himself, or for somebody else's LFDI; 400 for an LFDI that is none, or
            an SFDI that does not follow from it; 409 for a device that is registered already.
    """
    if not view.settings.in_band:
        raise RefusedError(403)
    lfdi = text(root, "lFDI").upper()
    if not well_formed(lfdi) or text(root, "sFDI") != str(sfdi_of(lfdi)):
        raise RefusedError(400)
    own = view.reach.own
    managing = own is not None and own.aggregator
    if not managing and lfdi != view.reach.lfdi:
        raise RefusedError(403)
    if lfdi in view.memory.devices:
        raise RefusedError(409)
    number = mint.number()
    view.memory.devices[lfdi] = Device(
        number=number,
        lfdi=lfdi,
        registered=view.now,
        changed=view.now,
        manager=view.reach.lfdi if managing else "",
        in_band=True,
        pin=view.settings.pin,
        content=_kept(root),
    )
    return Done(201, path_of("EndDevice", number))


def put(view: View, ids: Ids, root: Element) -> Done:
    """Change what a device says of itself; who it is stays.

    Raises:
        RefusedError: 400 for another LFDI or SFDI.
    """
    device = view.memory.device(ids[0])
    if text(root, "lFDI", device.lfdi).upper() != device.lfdi:
        raise RefusedError(400)
    if text(root, "sFDI") != str(sfdi_of(device.lfdi)):
        raise RefusedError(400)
    device.content = {**device.content, **_kept(root)}
    device.changed = view.now
    return Done(204)


def remove(view: View, ids: Ids) -> Done:
    """Remove a device that was registered in this way.

    Raises:
        RefusedError: 403 for one that the operator put in.
    """
    device = view.memory.device(ids[0])
    if not device.in_band:
        raise RefusedError(403)
    forget(view.memory, device.lfdi)
    return Done(204)


def _kept(root: Element) -> dict[str, str]:
    return {name: text(root, name) for name in _KEPT if text(root, name)}
