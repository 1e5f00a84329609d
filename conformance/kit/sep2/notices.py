"""What a script has the suite's server notify by itself, right or wrong, beside what follows from every change."""

from dataclasses import dataclass
from typing import Final

from conformance.kit.sep2.names import MEDIA_TYPE
from conformance.kit.xml import Element

SUBSCRIBABLE: Final = (
    "EndDeviceList", "FunctionSetAssignmentsList", "DERProgramList", "DERControlList", "DefaultDERControl"
)  # fmt: skip
"""What may be subscribed to by the fact ``subscribable=yes``."""
CANCELLED, MOVED, REDEFINED, DELETED = 1, 2, 3, 4
"""Notification.status of a subscription that ends."""
STRANGER: Final = "stranger"
"""Somebody with a device certificate of the same hierarchy."""
OTHER_ROOT: Final = "other-root"
NO_CERTIFICATE: Final = "no-certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One Notification; what is not given is what a right one would say."""

    of: tuple[str, ...]
    """What is subscribed to: name and ids, as of ``Server.href``."""
    name: str = ""
    """By which checks find it (mark ``suite.notice``)."""
    status: int = 0
    """From 1 on the server drops the subscription with it."""
    document: Element | None = None
    """In the place of what is there now."""
    members: int | None = None
    """Most members of the list that it carries; None: as many as the subscription allows."""
    bare: bool = False
    """It carries nothing: something has changed."""
    resource: str = ""
    """subscribedResource."""
    subscription: str = ""
    """subscriptionURI."""
    relative: bool = False
    """subscriptionURI is the path alone."""
    moved_to: str = ""
    """newResourceURI."""
    body: bytes | None = None
    """Exactly these bytes."""
    media_type: str = MEDIA_TYPE
    face: str = ""
    """Who sends it: ``stranger``, ``other-root``, ``no-certificate``; empty: the server."""
    wrong: str = ""
    """In what it is wrong on purpose."""
