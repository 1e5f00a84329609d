"""What clients answer to events: kept if it is about an event of ours, from who may say it, and means something.

Spec: IEEE 2030.5-2018 clause 10.2.3 and Table 27; CSIP-AUS S-ALL-42, S-ALL-57.
"""

import copy
from collections.abc import Mapping
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.sep2server.minting import Mint
from conformance.reference.sep2server.paging import Row
from conformance.reference.sep2server.paths import Ids, path_of
from conformance.reference.sep2server.refusal import RefusedError
from conformance.reference.sep2server.state import Said
from conformance.reference.sep2server.taken import Done
from conformance.reference.sep2server.view import Lister, Maker, View
from conformance.reference.sep2server.wire import instant_at, text

STATUSES: Final = frozenset({*range(1, 16), 251, 252, 253, 254})
_SET: Final = "5265706C696573546F4576656E747300"
"""mRID of the one ResponseSet, without the number of the enterprise."""
_DIGITS: Final = 24


def response_set(view: View, ids: Ids) -> Element:
    """Make the one ResponseSet."""
    content = {"mRID": f"{_SET[:_DIGITS]}00040732", **view.counted("ResponseList")}
    return view.document("ResponseSet", ids, content)


def response(view: View, ids: Ids) -> Element:
    """Return a Response as it was posted."""
    shown = copy.deepcopy(view.memory.responses[ids[0]].element)
    shown.set("href", path_of("Response", *ids))
    return shown


def set_rows(_: View, __: Ids) -> list[Row]:
    """List the one ResponseSet."""
    return [Row(ids=())]


def response_rows(view: View, _: Ids) -> list[Row]:
    """List what the caller's devices said: the newest first, then by LFDI."""
    mine = [r for r in view.memory.responses.values() if view.reach.acts_for(r.lfdi)]
    mine.sort(key=lambda said: said.lfdi)
    return [Row(ids=(r.number,), at=r.at) for r in sorted(mine, key=lambda r: r.at, reverse=True)]


def post(view: View, mint: Mint, _: Ids, root: Element) -> Done:
    """Take a Response, also a late one.

    Raises:
        RefusedError: 400 for an event that never was, or a status that means nothing; 403 for another's device.
    """
    lfdi = text(root, "endDeviceLFDI").upper()
    if not view.reach.acts_for(lfdi):
        raise RefusedError(403)
    if text(root, "subject").upper().zfill(32) not in view.memory.events:
        raise RefusedError(400)
    if int(text(root, "status", "-1")) not in STATUSES:
        raise RefusedError(400)
    number = mint.number()
    at = instant_at(root, "createdDateTime") or view.now
    view.memory.responses[number] = Said(number=number, lfdi=lfdi, at=at, element=root)
    return Done(201, path_of("Response", number))


MAKERS: Final[Mapping[str, Maker]] = {"ResponseSet": response_set, "Response": response}
LISTS: Final[Mapping[str, Lister]] = {
    "ResponseSetList": Lister(member="ResponseSet", members=set_rows),
    "ResponseList": Lister(member="Response", members=response_rows),
}
