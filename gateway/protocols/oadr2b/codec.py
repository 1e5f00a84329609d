"""Bytes to a message and back, both checked against the schema of OpenADR 2.0b."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from lxml import etree

from gateway.domain.errors import MisuseError, WireError
from gateway.protocols import xml
from gateway.protocols.oadr2b.content import event, opt, registration, report
from gateway.protocols.oadr2b.content.model import Struct
from gateway.protocols.oadr2b.messages import (
    Message,
    OadrCanceledOpt,
    OadrCanceledPartyRegistration,
    OadrCanceledReport,
    OadrCancelOpt,
    OadrCancelPartyRegistration,
    OadrCancelReport,
    OadrCreatedEvent,
    OadrCreatedOpt,
    OadrCreatedPartyRegistration,
    OadrCreatedReport,
    OadrCreateOpt,
    OadrCreatePartyRegistration,
    OadrCreateReport,
    OadrDistributeEvent,
    OadrPoll,
    OadrQueryRegistration,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrRequestEvent,
    OadrRequestReregistration,
    OadrResponse,
    OadrUpdatedReport,
    OadrUpdateReport,
)
from gateway.protocols.oadr2b.names import (
    NAMESPACES,
    PAYLOAD,
    SCHEMA_VERSION,
    SIGNED_OBJECT,
    prefix_of,
    qualified,
)
from gateway.protocols.xml import Element

VERSION: Final = "2.0b"
CONTENTS: Final[Mapping[type[Message], Struct[Any]]] = {
    OadrDistributeEvent: event.DISTRIBUTE_EVENT,
    OadrCreatedEvent: event.CREATED_EVENT,
    OadrRequestEvent: event.REQUEST_EVENT,
    OadrResponse: registration.RESPONSE,
    OadrCancelOpt: opt.CANCEL_OPT,
    OadrCanceledOpt: opt.CANCELED_OPT,
    OadrCreateOpt: opt.CREATE_OPT,
    OadrCreatedOpt: opt.CREATED_OPT,
    OadrCancelReport: report.CANCEL_REPORT,
    OadrCanceledReport: report.CANCELED_REPORT,
    OadrCreateReport: report.CREATE_REPORT,
    OadrCreatedReport: report.CREATED_REPORT,
    OadrRegisterReport: report.REGISTER_REPORT,
    OadrRegisteredReport: report.REGISTERED_REPORT,
    OadrUpdateReport: report.UPDATE_REPORT,
    OadrUpdatedReport: report.UPDATED_REPORT,
    OadrCancelPartyRegistration: registration.CANCEL_PARTY_REGISTRATION,
    OadrCanceledPartyRegistration: registration.CANCELED_PARTY_REGISTRATION,
    OadrCreatePartyRegistration: registration.CREATE_PARTY_REGISTRATION,
    OadrCreatedPartyRegistration: registration.CREATED_PARTY_REGISTRATION,
    OadrRequestReregistration: registration.REQUEST_REREGISTRATION,
    OadrQueryRegistration: registration.QUERY_REGISTRATION,
    OadrPoll: registration.POLL,
}
"""Every message and its content model."""

_BY_TAG: Final = {content.tags[0]: content for content in CONTENTS.values()}
_PAYLOAD: Final = qualified(PAYLOAD)
_SIGNED_OBJECT: Final = qualified(SIGNED_OBJECT)
_SCHEMA_VERSION: Final = qualified(SCHEMA_VERSION)
_NSMAPS: Final = {
    kind: {
        prefix: uri
        for prefix, uri in NAMESPACES.items()
        if prefix in content.prefixes | {prefix_of(PAYLOAD), prefix_of(SCHEMA_VERSION)}
    }
    for kind, content in CONTENTS.items()
}
_DURATIONS: Final = tuple(
    map(qualified, ("xcal:duration", "xcal:startafter", "oadr:oadrMinPeriod", "oadr:oadrMaxPeriod"))
)
_WEEKS: Final = re.compile(r"\s*([+-]?)P(\d{1,4})W\s*")


class OtherVersionError(WireError):
    """A message that says it is of another profile: nothing of it may count, but it has a sender who awaits an answer.

    Args:
        detail: What it says.
        message: As read.
    """

    def __init__(self, detail: str, message: Message) -> None:
        super().__init__("SCHEMA_VERSION", detail)
        self.message = message


class Codec:
    """Reads and writes the messages; safe to share between threads.

    Args:
        schema: The compiled XSD set of OpenADR 2.0b (entry file ``oadr_20b.xsd``).
    """

    def __init__(self, schema: etree.XMLSchema) -> None:
        self._schema: Final = schema

    def decode(
        self,
        body: bytes,
        *,
        largest: int = xml.MAX_BYTES,
        admit: Callable[[Element], Element] | None = None,
    ) -> Message:
        """Read one document.

        A ``ds:Signature`` is accepted where the schema has it; it is *not* verified here, but by ``admit`` (see
        ``signature.envelope``). Bodies above ``xml.OFF_LOOP_BYTES`` belong in a worker thread.

        Args:
            body: As received.
            largest: Most bytes allowed.
            admit: Judges the parsed document and returns the one to be read instead; None: nothing is judged.

        Raises:
            OtherVersionError: ``SCHEMA_VERSION`` for a message of another profile that can be read all the same.
            WireError: Whatever ``xml.parse`` raises; ``WRONG_NAMESPACE``, ``UNKNOWN_MESSAGE``, ``SCHEMA_VERSION``,
                ``SCHEMA``; ``INVALID_NUMBER``, ``INVALID_TIME``, ``INVALID_DURATION`` or ``INVALID_TEXT`` for a value
                outside our bounds (such an event of an oadrDistributeEvent is set aside as ``unreadable`` instead).

        Spec: OpenADR 2.0b schema; section 9.1.5 (status 406 for a body that fails validation).
        """
        root = xml.parse(body, largest=largest)
        if admit is not None:
            root = admit(root)
        if not self._schema(root) and not (_weeks_as_days(root) and self._schema(root)):
            raise self._fault(root, body)
        element = _message_element(root)
        message: Message = _BY_TAG[element.tag].read(element)
        other = _other_version(element)
        if other:
            raise OtherVersionError(other, message)
        return message

    def _fault(self, root: Element, body: bytes) -> WireError:
        """Tell apart why a document is not valid."""
        try:
            other = _other_version(_message_element(root))
        except WireError as error:
            return error
        if other:
            return WireError("SCHEMA_VERSION", other)
        return WireError("SCHEMA", xml.schema_fault(body, self._schema))

    def encode(self, message: Message) -> bytes:
        """Write one document, in UTF-8 with an XML declaration and without schemaLocation.

        Raises:
            MisuseError: ``SCHEMA`` when the message is not valid, or a bound that ``decode`` would enforce.
        """
        if isinstance(message, OadrDistributeEvent) and message.unreadable:
            raise MisuseError("SCHEMA", "events that could not be read cannot be written")
        kind = type(message)
        content = CONTENTS[kind]
        root = etree.Element(_PAYLOAD, nsmap=_NSMAPS[kind])
        element = etree.SubElement(etree.SubElement(root, _SIGNED_OBJECT), content.tags[0])
        element.set(_SCHEMA_VERSION, VERSION)
        content.fill(element, message)
        body = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
        if not self._schema(root):
            raise MisuseError("SCHEMA", xml.schema_fault(body, self._schema))
        return body


def _message_element(root: Element) -> Element:
    """Find the message inside the envelope.

    Raises:
        WireError: ``WRONG_NAMESPACE``, ``UNKNOWN_MESSAGE``, or ``SCHEMA`` for a broken envelope.
    """
    if root.tag != _PAYLOAD:
        if root.tag in _BY_TAG or xml.local_name(root) != "oadrPayload":
            raise WireError("UNKNOWN_MESSAGE", "the root must be an oadrPayload")
        raise WireError("WRONG_NAMESPACE", f"the root must be in {NAMESPACES['oadr']}")
    if not len(root) or root[-1].tag != _SIGNED_OBJECT or len(root[-1]) != 1:
        raise WireError("SCHEMA", "an oadrPayload ends with an oadrSignedObject of one message")
    element = root[-1][0]
    if element.tag not in _BY_TAG:
        raise WireError("UNKNOWN_MESSAGE", f"no message is called {xml.local_name(element)[:60]!r}")
    return element


def _other_version(element: Element) -> str:
    """Return what is wrong with the version that a message says it is of; empty: nothing."""
    version = element.get(_SCHEMA_VERSION, VERSION).strip()
    return "" if version == VERSION else f"schemaVersion must be {VERSION}, not {version[:20]!r}"


def _weeks_as_days(root: Element) -> bool:
    """Rewrite ``P2W``, which ISO 8601 has and the schema's pattern lacks, as ``P14D``; say whether any was found."""
    found = False
    for element in root.iter(*_DURATIONS):
        match = None if len(element) else _WEEKS.fullmatch(element.text or "")
        if match:
            element.text = f"{match.group(1)}P{7 * int(match.group(2))}D"
            found = True
    return found
