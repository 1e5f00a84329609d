"""Every fault by name, one line each."""

from collections.abc import Mapping
from typing import Final

from conformance.faults import disguise, http, tcp, xml
from conformance.faults.disguise import Disguise
from conformance.faults.fault import Act, Fault, Layer

_GIB: Final = float(1 << 30)


def _tcp(name: str, what: str, act: Act, *, harmless: bool = False, amount: float = 0.0) -> Fault:
    return Fault(name=name, layer=Layer.TCP, what=what, act=act, harmless=harmless, amount=amount)


def _tls(name: str, what: str, shown: Disguise, *, harmless: bool = False) -> Fault:
    return Fault(name=name, layer=Layer.TLS, what=what, disguise=shown, harmless=harmless)


def _http(name: str, what: str, act: Act, *, harmless: bool = False, amount: float = 0.0) -> Fault:
    return Fault(name=name, layer=Layer.HTTP, what=what, act=act, harmless=harmless, amount=amount)


def _xml(name: str, what: str, change: xml.Change, *, harmless: bool = False) -> Fault:
    return Fault(name=name, layer=Layer.XML, what=what, act=http.body(change), harmless=harmless)


_ELSEWHERE: Final = ("Location", "https://elsewhere.example/OpenADR2/Simple/2.0b/OadrPoll")
_NEXT_DOOR: Final = ("Location", "/OpenADR2/Simple/2.0b/EiEvent")

_ALL: Final = (
    Fault(
        name="refuse",
        layer=Layer.TCP,
        what="the connection is reset before a byte",
        disguise=Disguise(show=disguise.honest, refuse=True),
    ),
    _tcp("reset_unsent", "reset before the server sees the request", tcp.reset_unsent),
    _tcp("reset_before", "the server acts, reset before its answer", tcp.reset_before),
    _tcp("reset_mid", "reset in the middle of the answer", tcp.reset_mid),
    _tcp("reset_after", "reset after the answer", tcp.reset_after, harmless=True),
    _tcp("close_after", "closed after the answer, unannounced", tcp.close_after, harmless=True),
    _tcp("half_close", "our direction ends in the middle of the answer", tcp.half_close),
    _tcp("black_hole", "the request is taken and never answered", tcp.black_hole),
    _tcp("lost_answer", "the server acts, its answer is swallowed", tcp.lost_answer),
    _tcp("delay", "the answer comes so many seconds late", tcp.delay, harmless=True, amount=2),
    _tcp("late", "the answer comes after any patience", tcp.delay, amount=600),
    _tcp("bandwidth", "so many bytes a second", tcp.bandwidth, harmless=True, amount=4096),
    _tcp("trickle", "the answer at so many bytes a second", tcp.bandwidth, amount=8),
    _tcp("one_byte_writes", "the answer in writes of one byte", tcp.single_bytes, harmless=True),
    _tcp(
        "unsolicited",
        "so many answers that nobody asked for",
        tcp.unsolicited,
        harmless=True,
        amount=1e5,
    ),
    _tls("tls_expired", "the certificate has ended", Disguise(show=disguise.expired)),
    _tls("tls_not_yet_valid", "a certificate of the future", Disguise(show=disguise.not_yet_valid)),
    _tls("tls_wrong_ca", "a stranger's authority", Disguise(show=disguise.wrong_authority)),
    _tls("tls_wrong_host", "another host's certificate", Disguise(show=disguise.wrong_host)),
    _tls("tls_wrong_curve", "a key on P-224", Disguise(show=disguise.wrong_curve)),
    _tls(
        "tls_missing_intermediate",
        "the leaf without its authority",
        Disguise(show=disguise.missing_intermediate),
    ),
    _tls(
        "tls_critical_extension",
        "a critical extension nobody knows",
        Disguise(show=disguise.unknown_critical),
    ),
    _tls("tls_1_1_only", "TLS 1.1 alone", disguise.OLD),
    _tls("tls_1_3_only", "TLS 1.3 alone", disguise.NEW, harmless=True),
    _tls("tls_renegotiation", "a new handshake mid-stream", disguise.AGAIN, harmless=True),
    _tls("tls_no_cipher", "no cipher suite in common", disguise.STRANGE_CIPHER),
    _tls(
        "tls_no_resumption",
        "no session is ever resumed",
        Disguise(show=disguise.honest, tickets=False),
        harmless=True,
    ),
    _tls(
        "tls_stall", "the handshake is never answered", Disguise(show=disguise.honest, stall=True)
    ),
    Fault(
        name="tls_alert",
        layer=Layer.TLS,
        what="a fatal alert in plain, mid-stream",
        act=tcp.plain_alert,
    ),
    _http("http_301", "moved, next door", http.status("301 Moved Permanently", _NEXT_DOOR)),
    _http("http_302", "found, next door", http.status("302 Found", _NEXT_DOOR)),
    _http("http_303", "see other", http.status("303 See Other", _NEXT_DOOR)),
    _http("http_307", "repeat next door", http.status("307 Temporary Redirect", _NEXT_DOOR)),
    _http("http_308", "repeat at another host", http.status("308 Permanent Redirect", _ELSEWHERE)),
    _http("http_302_elsewhere", "found at another host", http.status("302 Found", _ELSEWHERE)),
    _http("http_400", "bad request", http.status("400 Bad Request")),
    _http("http_401", "not authorised", http.status("401 Unauthorized")),
    _http("http_403", "forbidden", http.status("403 Forbidden")),
    _http("http_404", "not found", http.status("404 Not Found")),
    _http("http_405", "method not allowed", http.status("405 Method Not Allowed")),
    _http("http_406", "not acceptable", http.status("406 Not Acceptable")),
    _http("http_408", "request timed out", http.status("408 Request Timeout")),
    _http("http_409", "conflict", http.status("409 Conflict")),
    _http("http_410", "gone", http.status("410 Gone")),
    _http("http_411", "length required", http.status("411 Length Required")),
    _http("http_412", "precondition failed", http.status("412 Precondition Failed")),
    _http(
        "http_429", "too many requests, wait", http.retry_after("429 Too Many Requests"), amount=90
    ),
    _http("http_500", "server error", http.status("500 Internal Server Error")),
    _http("http_502", "bad gateway", http.status("502 Bad Gateway")),
    _http("http_503", "busy", http.status("503 Service Unavailable")),
    _http(
        "http_503_seconds", "busy, wait", http.retry_after("503 Service Unavailable"), amount=120
    ),
    _http("http_503_date", "busy until", http.retry_at("503 Service Unavailable"), amount=120),
    _http("http_504", "gateway timed out", http.status("504 Gateway Timeout")),
    _http("wrong_type", "text/html", http.headed(("Content-Type", "text/html")), harmless=True),
    _http(
        "length_too_long", "more is announced than comes", http.spoilt(http.too_long, close=True)
    ),
    _http("length_too_short", "less is announced than comes", http.spoilt(http.too_short)),
    _http("lengths_differ", "two lengths", http.spoilt(http.different_lengths)),
    _http("length_and_chunks", "a length and chunks", http.spoilt(http.two_lengths)),
    _http(
        "no_length",
        "ended by the connection",
        http.spoilt(http.no_length, close=True),
        harmless=True,
    ),
    _http("chunked", "the body in chunks", http.spoilt(http.chunked), harmless=True),
    _http("broken_chunk", "a chunk of no size", http.spoilt(http.broken_chunk)),
    _http("duplicate_headers", "every header twice", http.spoilt(http.doubled), harmless=True),
    _http("many_headers", "five thousand headers", http.spoilt(http.many_headers)),
    _http("long_header", "one header of 256 KiB", http.spoilt(http.long_header)),
    _http(
        "close_after_headers", "closed after the headers", http.spoilt(http.head_only, close=True)
    ),
    _http("drip_body", "a body of so many bytes a second", tcp.drip, amount=1),
    _http("drip_headers", "headers of so many bytes a second", tcp.drip_head, amount=1),
    _http("interim", "so many interim answers first", tcp.interim, amount=1e5),
    _http("body_1_5_mib", "white space up to 1.5 MiB", http.body(http.padded), harmless=True),
    _http("body_2_gib", "a body of so many bytes", http.endless_body, amount=2 * _GIB),
    _http("chunks_2_gib", "so many bytes in chunks", http.endless_chunks, amount=2 * _GIB),
    _http("gzip_bomb", "256 MiB that travel as 256 KiB", http.spoilt(http.compressed_bomb)),
    _http("empty_200", "200 without a body", http.status("200 OK", http.XML)),
    _http("http_204", "no content", http.status("204 No Content")),
    _xml("xml_malformed", "the end is cut off", xml.malformed),
    _xml("xml_wrong_namespace", "profile A's namespace", xml.wrong_namespace),
    _xml("xml_unknown_element", "an element no schema knows", xml.unknown_elements),
    _xml("xml_order", "children in reverse order", xml.element_order),
    _xml("xml_doctype", "a DOCTYPE", xml.doctype),
    _xml("xml_entity_bomb", "entities that unfold to 10^10 characters", xml.entity_bomb),
    _xml("xml_external_entity", "an entity that is a local file", xml.external_entity),
    _xml("xml_deep", "10^5 elements deep", xml.deep),
    _xml("xml_attributes", "10^5 attributes", xml.many_attributes),
    _xml("xml_utf16", "UTF-16", xml.utf16),
    _xml("xml_latin1", "declares ISO 8859-1", xml.other_encoding),
    _xml("xml_bom", "a byte order mark", xml.bom, harmless=True),
    _xml(
        "xml_bad_signature",
        "an XML signature that does not hold",
        xml.bad_signature,
        harmless=True,
    ),
    _xml(
        "xml_wrapped_signature",
        "what was signed is moved aside, something else takes its place",
        xml.wrapped_signature,
        harmless=True,
    ),
    _xml("xml_binary", "no text at all", xml.binary),
    _xml("xml_page", "a page for people", xml.page),
)

FAULTS: Final[Mapping[str, Fault]] = {fault.name: fault for fault in _ALL}
"""Name -> fault."""
