"""Content models of EiOpt."""

from typing import Final

from gateway.protocols.oadr2b.content.basic import (
    ANSWER,
    CREATED,
    EI_TARGET,
    MARKET_CONTEXT,
    QUALIFIED_EVENT_ID,
    REQUEST_ID,
    VEN_ID,
    CalendarProperties,
    target,
)
from gateway.protocols.oadr2b.content.model import Enclosed, Leaf, Listing, Struct, maybe, one
from gateway.protocols.oadr2b.lexical import GIVEN_ID, ID, TOKEN, one_of
from gateway.protocols.oadr2b.messages.event import OptType
from gateway.protocols.oadr2b.messages.interval import WsCalendarInterval
from gateway.protocols.oadr2b.messages.opt import (
    OadrCanceledOpt,
    OadrCancelOpt,
    OadrCreatedOpt,
    OadrCreateOpt,
)

_OPT_ID: Final = Leaf(ID, "ei:optID")
_AVAILABLE: Final = Enclosed("xcal:available", CalendarProperties(WsCalendarInterval))

CREATE_OPT: Final = Struct(
    OadrCreateOpt,
    "oadr:oadrCreateOpt",
    one("opt_id", _OPT_ID),
    one("opt_type", Leaf(one_of(OptType), "ei:optType")),
    one("opt_reason", Leaf(TOKEN, "ei:optReason")),
    maybe("market_context", MARKET_CONTEXT),
    VEN_ID,
    maybe("vavailability", Enclosed("xcal:vavailability", Listing("xcal:components", _AVAILABLE))),
    CREATED,
    REQUEST_ID,
    maybe("qualified_event_id", QUALIFIED_EVENT_ID),
    one("ei_target", EI_TARGET),
    maybe("oadr_device_class", target("oadr:oadrDeviceClass")),
)

CREATED_OPT: Final = Struct(OadrCreatedOpt, "oadr:oadrCreatedOpt", ANSWER, one("opt_id", _OPT_ID))

CANCEL_OPT: Final = Struct(
    OadrCancelOpt, "oadr:oadrCancelOpt", REQUEST_ID, one("opt_id", _OPT_ID), VEN_ID
)

CANCELED_OPT: Final = Struct(
    OadrCanceledOpt, "oadr:oadrCanceledOpt", ANSWER, maybe("opt_id", Leaf(GIVEN_ID, "ei:optID"))
)
