"""HTTP, XML and TLS, a VTN under test: what it must refuse, and how it goes on afterwards (2.0b section 9.1)."""

from lxml import etree

from conformance.kit.case import Case, Maturity, Start, case
from conformance.kit.checks.vtn import (
    echoes,
    has_header,
    refuses_body,
    replies,
    uses_suite,
)
from conformance.kit.oadr20b import build
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.build import make, message
from conformance.kit.oadr20b.names import POLL, REGISTER
from conformance.kit.observations import sent
from conformance.kit.stage import VtnStage
from conformance.kit.xml import Element

_QUERY, _CREATED = "oadrQueryRegistration", "oadrCreatedPartyRegistration"
_REFUSES = "REQ-OADR20B-9.1.5-52"
_METHOD = "REQ-OADR20B-9.1.5-53"
_SERVICE = "REQ-OADR20B-9.1.5-54"
_SERVES = "REQ-OADR20B-9.1.5-55"
_CHUNKED = "REQ-OADR20B-9.1.9-51"
_PACKED = "REQ-OADR20B-9.1.9-52"
_VERSION = "REQ-OADR20B-T2B-51"
_FITS = "REQ-OADR20B-R33-51"
_TEXT = "REQ-OADR20B-8.1-51"
_TLS = "REQ-OADR20B-R67-51"
_DEEP = 20_000
_ODD = 'q <&> "\'" ü 🔌 ]]> &amp;'
_XML = b'<?xml version="1.0" encoding="UTF-8"?>'
_BOMB = (
    _XML
    + b'<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    + b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">'
    + b"]><p>&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;</p>"
)
_EXTERNAL = (
    _XML + b'<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    b'<oadr:oadrPayload xmlns:oadr="http://openadr.org/oadr-2.0b/2012/07">&x;</oadr:oadrPayload>'
)
_NESTED = _XML + b"<a>" * _DEEP + b"</a>" * _DEEP
_TRUNCATED = _XML + b"<oadr:oadrPayload"


def _misplaced() -> bytes:
    """Return a query with a child that no schema knows."""
    element = party.query_registration("q")
    element.append(make("ei:venID", "x"))
    return build.payload(element)


def _bare() -> bytes:
    """Return a query that is the root of its document."""
    return _XML + etree.tostring(party.query_registration("q"))


def _query(stage: VtnStage) -> Element:
    return party.query_registration(stage.ven.request_id())


def _garbage(number: int, what: str, body: bytes, public: tuple[str, ...], mutant: str) -> Case:
    @case(
        id=f"OADR20B-VTN-NET-{number:03}",
        title=f"{what} is refused by 406, and the VTN goes on",
        purpose="Exposes a VTN that serves what no schema allows, or does not survive it.",
        public=public,
        requirements=(_REFUSES, _SERVES),
        checks=(
            refuses_body(406, requirement=_REFUSES),
            replies(_QUERY, _CREATED, "200", requirement=_SERVES, after="next"),
        ),
        observations=(sent(_CREATED, after_mark="next"),),
        start=Start.FRESH,
        mutants=(mutant,),
    )
    async def send(stage: VtnStage) -> None:
        """Post it, then a good query."""
        await stage.ven.send_raw(body, service=REGISTER, wrong=what)
        stage.mark("next")
        await stage.ven.send(_query(stage))

    return send


not_in_schema = _garbage(
    10, "A message with a misplaced element", _misplaced(), (), "vtn-no-schema"
)
no_payload = _garbage(15, "A message without oadrPayload", _bare(), (), "vtn-wants-no-payload")
no_xml = _garbage(11, "A truncated document", _TRUNCATED, (), "vtn-takes-garbage")
bomb = _garbage(12, "An entity bomb", _BOMB, ("CFX2B-SEC-09",), "vtn-takes-garbage")
external = _garbage(13, "An external entity", _EXTERNAL, ("CFX2B-SEC-09",), "vtn-takes-garbage")
nested = _garbage(
    14, "A document 20,000 levels deep", _NESTED, ("CFX2B-SEC-10",), "vtn-fails-on-bad-xml"
)


@case(
    id="OADR20B-VTN-NET-020",
    title="Other content types and character sets are refused by 406",
    purpose="Exposes a VTN that does not look at Content-Type.",
    public=("A_E3_1200",),
    requirements=(_REFUSES, _SERVES),
    checks=(
        refuses_body(406, requirement=_REFUSES),
        replies(_QUERY, _CREATED, "200", requirement=_SERVES, after="next"),
    ),
    observations=(sent(_CREATED, after_mark="next"),),
    start=Start.FRESH,
    mutants=("vtn-any-content-type", "vtn-any-charset"),
)
async def content_type(stage: VtnStage) -> None:
    """Post a query as text/plain and as UTF-16 by name, then as it should be, with the character set."""
    body = build.payload(_query(stage))
    for kind in ("text/plain", "application/xml; charset=utf-16"):
        headers = (("Content-Type", kind),)
        await stage.ven.send_raw(body, service=REGISTER, wrong=kind, headers=headers)
    stage.mark("next")
    right = (("Content-Type", "application/xml; charset=UTF-8"),)
    await stage.ven.send_raw(body, service=REGISTER, wrong="", headers=right)


@case(
    id="OADR20B-VTN-NET-022",
    title="Other methods than POST are refused by 501",
    purpose="Exposes a VTN that answers GET.",
    requirements=(_METHOD,),
    checks=(
        refuses_body(501, requirement=_METHOD),
        replies(_QUERY, _CREATED, "200", requirement=_METHOD, after="next"),
    ),
    observations=(sent(_CREATED, after_mark="next"),),
    start=Start.FRESH,
    mutants=("vtn-method-not-allowed",),
)
async def method(stage: VtnStage) -> None:
    """Put a query, then post it."""
    body = build.payload(_query(stage))
    await stage.ven.send_raw(body, service=REGISTER, wrong="PUT", method="PUT")
    stage.mark("next")
    await stage.ven.send(_query(stage))


@case(
    id="OADR20B-VTN-NET-024",
    title="An unknown service is refused by 404",
    purpose="Exposes a VTN that takes messages on any path, or compares services without regard to case.",
    public=("A_E3_1210",),
    requirements=(_SERVICE,),
    checks=(
        refuses_body(404, requirement=_SERVICE),
        replies(_QUERY, _CREATED, "200", requirement=_SERVICE, after="next"),
    ),
    observations=(sent(_CREATED, after_mark="next"),),
    start=Start.FRESH,
    mutants=("vtn-knows-no-404", "vtn-path-of-any-case"),
)
async def service(stage: VtnStage) -> None:
    """Post a query to a service that is none, and to one in small letters, then to the right one."""
    body = build.payload(_query(stage))
    for name in ("EiNothing", REGISTER.lower()):
        await stage.ven.send_raw(body, service=name, wrong="an unknown service")
    stage.mark("next")
    await stage.ven.send(_query(stage))


@case(
    id="OADR20B-VTN-NET-026",
    title="Chunks are refused",
    purpose="Exposes a VTN that takes a chunked request.",
    public=("CFX2B-NET-11",),
    requirements=(_CHUNKED,),
    checks=(
        refuses_body(400, 406, 411, 501, requirement=_CHUNKED),
        replies(_QUERY, _CREATED, "200", requirement=_CHUNKED, after="next"),
    ),
    observations=(sent(_CREATED, after_mark="next"),),
    start=Start.FRESH,
    mutants=("vtn-takes-chunks",),
)
async def chunks(stage: VtnStage) -> None:
    """Post a query in one chunk, then whole."""
    body = build.payload(_query(stage))
    chunked = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    headers = (("Transfer-Encoding", "chunked"),)
    await stage.ven.send_raw(chunked, service=REGISTER, wrong="chunked", headers=headers)
    stage.mark("next")
    await stage.ven.send(_query(stage))


@case(
    id="OADR20B-VTN-NET-028",
    title="The answer is compressed for whoever accepts that",
    purpose="Exposes a VTN that ignores Accept-Encoding, or compresses for everybody.",
    public=("CFX2B-NET-11",),
    requirements=(_PACKED,),
    checks=(
        has_header("packed", "Content-Encoding", "gzip", requirement=_PACKED),
        has_header("plain", "Content-Encoding", "", requirement=_PACKED),
        replies(_QUERY, _CREATED, "200", requirement=_PACKED),
    ),
    observations=(sent(_CREATED, 2),),
    start=Start.FRESH,
    mutants=("vtn-never-compresses", "vtn-always-compresses"),
)
async def compressed(stage: VtnStage) -> None:
    """Query with Accept-Encoding: gzip, then without."""
    stage.mark("packed")
    headers = (("Accept-Encoding", "gzip"),)
    body = build.payload(_query(stage))
    await stage.ven.send_raw(body, service=REGISTER, wrong="", headers=headers)
    stage.mark("plain")
    await stage.ven.send(_query(stage))


@case(
    id="OADR20B-VTN-NET-030",
    title="Another schemaVersion gets 459",
    purpose="Exposes a VTN that does not look at schemaVersion.",
    requirements=(_VERSION,),
    checks=(replies("oadrPoll", "oadrResponse", "459", "200", requirement=_VERSION),),
    observations=(sent("oadrResponse", 2),),
    mutants=("vtn-any-version",),
)
async def version(stage: VtnStage) -> None:
    """Poll in version 2.0a, then in 2.0b."""
    element = party.poll(stage.ven.ven_id)
    element.set(build.tag("ei:schemaVersion"), "2.0a")
    await stage.ven.send(element, wrong="schemaVersion 2.0a")
    await stage.ven.poll()


@case(
    id="OADR20B-VTN-NET-032",
    title="A message that only a VTN sends is refused by oadrResponse",
    purpose="Exposes a VTN that takes what is not for it, or fails on it.",
    requirements=(_FITS,),
    checks=(
        replies("oadrDistributeEvent", "oadrResponse", "45", requirement=_FITS, after="wrong"),
        replies("oadrPoll", "oadrResponse", "200", requirement=_FITS),
    ),
    observations=(sent("oadrResponse", 2),),
    mutants=("vtn-takes-any-message",),
)
async def other_direction(stage: VtnStage) -> None:
    """Post an oadrDistributeEvent, then poll."""
    stage.mark("wrong")
    element = build.distribute_event((), vtn_id="vtn", request_id="d", replying_to=None)
    await stage.ven.send(element, wrong="sent by a VEN")
    await stage.ven.poll()


@case(
    id="OADR20B-VTN-NET-034",
    title="A message on the path of another service is refused",
    purpose="Exposes a VTN that does not look at the path.",
    requirements=(_FITS,),
    checks=(
        replies(_QUERY, _CREATED, "45", requirement=_FITS, after="wrong"),
        replies("oadrPoll", "oadrResponse", "200", requirement=_FITS),
    ),
    observations=(sent(_CREATED), sent("oadrResponse")),
    mutants=("vtn-any-service",),
)
async def other_path(stage: VtnStage) -> None:
    """Post a query to OadrPoll, then poll."""
    stage.mark("wrong")
    body = build.payload(_query(stage))
    await stage.ven.send_raw(body, service=POLL, wrong="on the path of another service")
    await stage.ven.poll()


@case(
    id="OADR20B-VTN-NET-036",
    title="Markup characters and any Unicode survive",
    purpose="Exposes a VTN that makes XML of texts, or knows one half of Unicode.",
    public=("CFX2B-SEC-11",),
    requirements=(_TEXT,),
    checks=(
        replies(_QUERY, _CREATED, "200", requirement=_TEXT),
        echoes(_QUERY, _CREATED, "ei:eiResponse/pyld:requestID=pyld:requestID", requirement=_TEXT),
    ),
    observations=(sent(_CREATED),),
    start=Start.FRESH,
    mutants=("vtn-loses-characters",),
)
async def odd_text(stage: VtnStage) -> None:
    """Query under a requestID of odd characters."""
    await stage.ven.send(message("oadr:oadrQueryRegistration", make("pyld:requestID", _ODD)))


@case(
    id="OADR20B-VTN-TLS-010",
    title="The connection has a suite of the profile",
    purpose="Exposes a VTN that negotiates another version or suite although the mandated ones are offered.",
    public=("G1_4010", "G0_9010"),
    requirements=(_TLS,),
    checks=(
        uses_suite("ECDHE-ECDSA-AES128-SHA256", "AES128-SHA256", requirement=_TLS),
        replies("oadrPoll", "oadrResponse", "200", requirement=_TLS),
    ),
    observations=(sent("oadrResponse"),),
    maturity=Maturity.WATCHLIST,
)
async def suite(stage: VtnStage) -> None:
    """Poll."""
    await stage.ven.poll()
