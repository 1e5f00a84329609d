"""Who may see what: anybody trusted the entry and the time, the registered what is theirs.

Spec: CSIP Implementation Guide v2.1 section 6.1; CSIP-AUS S-ALL-05, S-ALL-52.
"""

from typing import Final

from conformance.reference.sep2server.paths import TEMPLATES, Ids
from conformance.reference.sep2server.reach import Reach
from conformance.reference.sep2server.refusal import RefusedError
from conformance.reference.sep2server.state import Memory

OPEN: Final = ("DeviceCapability", "Time", "EndDeviceList")
_BY_AGGREGATOR: Final = ("SubscriptionList", "Subscription")
"""Nobody has these for a device that somebody else acts for."""


def admit(memory: Memory, reach: Reach, name: str, ids: Ids) -> None:
    """Let a caller through to a resource.

    Raises:
        RefusedError: 403 for who is not registered, 404 for what is not theirs.
    """
    if name in OPEN:
        return
    if reach.own is None:
        raise RefusedError(403)
    if not _theirs(memory, reach, name, ids):
        raise RefusedError(404)


def _theirs(memory: Memory, reach: Reach, name: str, ids: Ids) -> bool:
    root = TEMPLATES[name].split("/")[1]
    if root == "edev":
        return _of_device(memory, reach, name, ids)
    if root == "derp":
        return ids[0] in reach.programs()
    if root == "tp":
        return ids[0] in reach.tariffs()
    if name == "MirrorUsagePoint":
        return ids[0] in memory.mirrors and reach.acts_for(memory.mirrors[ids[0]].lfdi)
    if name == "Response":
        return ids[0] in memory.responses and reach.acts_for(memory.responses[ids[0]].lfdi)
    return True


def _of_device(memory: Memory, reach: Reach, name: str, ids: Ids) -> bool:
    device = reach.device(ids[0])
    if device is None or (name in _BY_AGGREGATOR and device.manager):
        return False
    template = TEMPLATES[name]
    if "/fsa/{}" in template:
        return ids[1] in {memory.assignments[given].number for given in device.assignments}
    return "/der/{}" not in template or 1 <= int(ids[1]) <= device.ders
