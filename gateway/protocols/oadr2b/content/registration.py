"""Content models of EiRegisterParty and OadrPoll, and the bare answer."""

from typing import Final

from gateway.protocols.oadr2b.content.basic import ANSWER, MAYBE_VEN_ID, REQUEST_ID, VEN_ID
from gateway.protocols.oadr2b.content.model import (
    Leaf,
    Listing,
    Struct,
    many,
    maybe,
    maybe_listing,
    one,
)
from gateway.protocols.oadr2b.lexical import DURATION, FLAG, GIVEN_ID, ID, TEXT, TOKEN
from gateway.protocols.oadr2b.messages.poll import OadrPoll
from gateway.protocols.oadr2b.messages.registration import (
    OadrCanceledPartyRegistration,
    OadrCancelPartyRegistration,
    OadrCreatedPartyRegistration,
    OadrCreatePartyRegistration,
    OadrExtension,
    OadrInfo,
    OadrProfile,
    OadrQueryRegistration,
    OadrRequestReregistration,
    OadrService,
)
from gateway.protocols.oadr2b.messages.response import OadrResponse

_MAYBE_REGISTRATION_ID: Final = maybe("registration_id", Leaf(GIVEN_ID, "ei:registrationID"))
_PROFILE_NAME: Final = one("oadr_profile_name", Leaf(TOKEN, "oadr:oadrProfileName"))
_TRANSPORT_NAME: Final = Leaf(TOKEN, "oadr:oadrTransportName")
_INFOS: Final = many(
    "oadr_infos",
    Struct(
        OadrInfo,
        "oadr:oadrInfo",
        one("oadr_key", Leaf(TEXT, "oadr:oadrKey")),
        one("oadr_value", Leaf(TEXT, "oadr:oadrValue")),
    ),
)

QUERY_REGISTRATION: Final = Struct(OadrQueryRegistration, "oadr:oadrQueryRegistration", REQUEST_ID)

CREATE_PARTY_REGISTRATION: Final = Struct(
    OadrCreatePartyRegistration,
    "oadr:oadrCreatePartyRegistration",
    REQUEST_ID,
    _MAYBE_REGISTRATION_ID,
    MAYBE_VEN_ID,
    _PROFILE_NAME,
    one("oadr_transport_name", _TRANSPORT_NAME),
    maybe("oadr_transport_address", Leaf(TEXT, "oadr:oadrTransportAddress")),
    one("oadr_report_only", Leaf(FLAG, "oadr:oadrReportOnly")),
    one("oadr_xml_signature", Leaf(FLAG, "oadr:oadrXmlSignature")),
    maybe("oadr_ven_name", Leaf(TEXT, "oadr:oadrVenName")),
    maybe("oadr_http_pull_model", Leaf(FLAG, "oadr:oadrHttpPullModel")),
)

_PROFILE: Final = Struct(
    OadrProfile,
    "oadr:oadrProfile",
    _PROFILE_NAME,
    one(
        "oadr_transports",
        Listing("oadr:oadrTransports", Leaf(TOKEN, "oadr:oadrTransport", "oadr:oadrTransportName")),
    ),
)

CREATED_PARTY_REGISTRATION: Final = Struct(
    OadrCreatedPartyRegistration,
    "oadr:oadrCreatedPartyRegistration",
    ANSWER,
    _MAYBE_REGISTRATION_ID,
    MAYBE_VEN_ID,
    one("vtn_id", Leaf(ID, "ei:vtnID")),
    one("oadr_profiles", Listing("oadr:oadrProfiles", _PROFILE)),
    maybe(
        "oadr_requested_oadr_poll_freq",
        Leaf(DURATION, "oadr:oadrRequestedOadrPollFreq", "xcal:duration"),
    ),
    maybe_listing(
        "oadr_service_specific_info",
        Listing(
            "oadr:oadrServiceSpecificInfo",
            Struct(
                OadrService,
                "oadr:oadrService",
                one("oadr_service_name", Leaf(TOKEN, "oadr:oadrServiceName")),
                _INFOS,
            ),
        ),
    ),
    maybe_listing(
        "oadr_extensions",
        Listing(
            "oadr:oadrExtensions",
            Struct(
                OadrExtension,
                "oadr:oadrExtension",
                one("oadr_extension_name", Leaf(TEXT, "oadr:oadrExtensionName")),
                _INFOS,
            ),
        ),
    ),
)

CANCEL_PARTY_REGISTRATION: Final = Struct(
    OadrCancelPartyRegistration,
    "oadr:oadrCancelPartyRegistration",
    REQUEST_ID,
    one("registration_id", Leaf(ID, "ei:registrationID")),
    MAYBE_VEN_ID,
)

CANCELED_PARTY_REGISTRATION: Final = Struct(
    OadrCanceledPartyRegistration,
    "oadr:oadrCanceledPartyRegistration",
    ANSWER,
    _MAYBE_REGISTRATION_ID,
    MAYBE_VEN_ID,
)

REQUEST_REREGISTRATION: Final = Struct(
    OadrRequestReregistration, "oadr:oadrRequestReregistration", VEN_ID
)

POLL: Final = Struct(OadrPoll, "oadr:oadrPoll", VEN_ID)

RESPONSE: Final = Struct(OadrResponse, "oadr:oadrResponse", ANSWER, MAYBE_VEN_ID)
