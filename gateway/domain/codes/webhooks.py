"""GG-45nn: webhooks, on the way out and at the site that receives them."""

from typing import Final

from gateway.domain.codes.row import Move, Row
from gateway.domain.errors import (
    DeliveryError,
    IdentityError,
    SessionError,
    TransportError,
    WireError,
)

_OP: Final = Move.OPERATOR
_SITE: Final = Move.SITE
_NOBODY: Final = Move.NOBODY
ROWS: Final = (
    Row(
        "GG-4501",
        "BAD_TARGET",
        "No usable webhook address",
        _OP,
        "Webhooks go to https addresses without user info, on allowed ports.",
        "Write the address like https://scheduler.example/gridgate.",
        (TransportError,),
    ),
    Row(
        "GG-4502",
        "NO_ADDRESS",
        "The webhook's host has no address",
        _OP,
        "DNS does not know the name.",
        "Correct the host; try  getent hosts HOST",
        (TransportError,),
    ),
    Row(
        "GG-4503",
        "FORBIDDEN_TARGET",
        "The webhook's host may not be called",
        _OP,
        "Its name leads to an address that is not public: a call there could reach what is meant to be private.",
        "If the site really is on your own network, list that network in the configuration.",
        (TransportError,),
    ),
    Row(
        "GG-4511",
        "STALE",
        "The delivery is too old or too new",
        _SITE,
        "A delivery whose time is far from now may be a replay.",
        "Check the receiver's clock.",
        (IdentityError,),
    ),
    Row(
        "GG-4512",
        "BAD_SIGNATURE",
        "The delivery is not signed by this gateway",
        _SITE,
        "No signature fits a secret that the receiver knows.",
        "Compare the secrets of both sides; after a rotation both are valid for a while.",
        (IdentityError,),
    ),
    Row(
        "GG-4513",
        "NO_SIGNATURE",
        "The delivery lacks its signature headers",
        _SITE,
        "webhook-id, webhook-timestamp and webhook-signature belong together.",
        "Look for a proxy that drops headers; else refuse whoever sent it.",
        (WireError,),
    ),
    Row(
        "GG-4521",
        "OVERTAKEN",
        "Not sent after all",
        _NOBODY,
        "Right before sending, a delivery was too late, or something newer had taken its place.",
        "None: what is newer is sent instead.",
        (DeliveryError,),
    ),
    Row(
        "GG-4522",
        "NOT_DEAD",
        "No dead letter",
        _OP,
        "Only what was given up can be replayed; this one was delivered, or is still being tried.",
        "To send it once more, use  gridgate deliveries resend",
        (SessionError,),
    ),
)
