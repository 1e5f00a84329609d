"""Namespaces of OpenADR 2.0b with the prefixes that every XPath of a case may use, and service names."""

from collections.abc import Mapping
from typing import Final

NAMES: Final[dict[str, str]] = {
    "oadr": "http://openadr.org/oadr-2.0b/2012/07",
    "ei": "http://docs.oasis-open.org/ns/energyinterop/201110",
    "pyld": "http://docs.oasis-open.org/ns/energyinterop/201110/payloads",
    "xcal": "urn:ietf:params:xml:ns:icalendar-2.0",
    "strm": "urn:ietf:params:xml:ns:icalendar-2.0:stream",
    "emix": "http://docs.oasis-open.org/ns/emix/2011/06",
    "power": "http://docs.oasis-open.org/ns/emix/2011/06/power",
    "scale": "http://docs.oasis-open.org/ns/emix/2011/06/siscale",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "dsp": "http://openadr.org/oadr-2.0b/2012/07/xmldsig-properties",
}
BASE: Final = "/OpenADR2/Simple/2.0b"
REGISTER: Final = "EiRegisterParty"
EVENT: Final = "EiEvent"
REPORT: Final = "EiReport"
OPT: Final = "EiOpt"
POLL: Final = "OadrPoll"
SERVICES: Final = (REGISTER, EVENT, REPORT, OPT, POLL)
SERVICE_OF: Final[Mapping[str, str]] = {
    "oadrQueryRegistration": REGISTER,
    "oadrCreatePartyRegistration": REGISTER,
    "oadrCreatedPartyRegistration": REGISTER,
    "oadrCancelPartyRegistration": REGISTER,
    "oadrCanceledPartyRegistration": REGISTER,
    "oadrRequestReregistration": REGISTER,
    "oadrRequestEvent": EVENT,
    "oadrDistributeEvent": EVENT,
    "oadrCreatedEvent": EVENT,
    "oadrRegisterReport": REPORT,
    "oadrRegisteredReport": REPORT,
    "oadrCreateReport": REPORT,
    "oadrCreatedReport": REPORT,
    "oadrUpdateReport": REPORT,
    "oadrUpdatedReport": REPORT,
    "oadrCancelReport": REPORT,
    "oadrCanceledReport": REPORT,
    "oadrCreateOpt": OPT,
    "oadrCreatedOpt": OPT,
    "oadrCancelOpt": OPT,
    "oadrCanceledOpt": OPT,
    "oadrPoll": POLL,
}
"""Message -> service on whose path it is posted (2.0b section 8; oadrResponse: that of what it answers)."""
