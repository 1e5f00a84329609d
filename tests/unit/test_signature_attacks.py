"""What a message with a signature must not get away with."""

import base64
import hmac
from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from lxml import etree

from gateway.domain.errors import ConfigError, MisuseError, WireError
from gateway.protocols import xml
from gateway.protocols.oadr2b.messages import OadrPoll, OadrResponse
from gateway.protocols.oadr2b.names import qualified
from gateway.protocols.oadr2b.signature.canonical import canonical
from gateway.protocols.oadr2b.signature.keys import peer_key, signing_key, verifies
from gateway.protocols.oadr2b.signature.names import (
    C14N_COMMENTS,
    DS,
    ENVELOPED,
    OBJECT,
    OBJECT_ID,
    RSA_SHA256,
    ds,
    dsp,
)
from gateway.protocols.oadr2b.signature.verify import Policy
from gateway.protocols.xml import Element
from tests.signing import (
    ANSWER,
    NOW,
    OTHER,
    POLL,
    VEN,
    VTN,
    changed,
    message_of,
    read,
    refusal,
    sha1_form,
)

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
HMAC = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
LAST = Policy(signature_last=True)
pytestmark = pytest.mark.spec("OpenADR 2.0b rule 514")


def signature_of(root: Element) -> Element:
    found = root.find(ds("Signature"))
    assert found is not None
    return found


def forged() -> Element:
    """Return the signed object that an attacker would like to see read."""
    return xml.parse(ANSWER)[0]


def with_id(element: Element, name: str = "oadrSignedObject") -> Element:
    element.set(OBJECT_ID, name)
    return element


@pytest.mark.parametrize("party", [VEN, VTN], ids=["ecdsa", "rsa"])
def test_what_is_signed_by_the_certificate_on_file_is_believed(party: object) -> None:
    assert isinstance(party, type(VEN))
    found = read(party.sealed(), party)

    assert found.message == OadrPoll(ven_id="ven-1")
    assert found.signer == party.fingerprint
    assert found.stamp is not None
    assert found.stamp.at == NOW


def test_an_unsigned_message_is_believed_only_where_none_need_be_signed() -> None:
    assert refusal(POLL) == "SIGNATURE_MISSING"
    assert read(POLL, required=False).stamp is None


def test_a_wrong_signature_is_refused_even_where_none_is_needed() -> None:
    with pytest.raises(Exception, match="SIGNATURE_CERTIFICATE"):
        read(OTHER.sealed(), required=False)


def test_each_sealing_bears_its_own_time_and_nonce_over_the_same_message() -> None:
    one, other = read(VEN.sealed()), read(VEN.sealed(now=NOW + timedelta(seconds=3)))

    assert one.message == other.message
    assert one.stamp is not None
    assert other.stamp is not None
    assert one.stamp.nonce != other.stamp.nonce
    assert other.stamp.at - one.stamp.at == timedelta(seconds=3)


def test_what_is_sealed_twice_bears_one_signature() -> None:
    assert message_of(VEN.sealed(VTN.sealed())) == OadrPoll(ven_id="ven-1")


def test_only_a_payload_can_be_sealed() -> None:
    with pytest.raises(MisuseError, match="SCHEMA"):
        VEN.sealed(b"<a/>")


# --- wrapping: what was signed stays, something else is put where it is read


def _second_object_behind(root: Element) -> None:
    root.append(forged())


def _second_object_before(root: Element) -> None:
    root.insert(1, forged())


def _original_moved_into_an_object(root: Element) -> None:
    original = root[1]
    root.append(with_id(forged(), "other"))
    etree.SubElement(signature_of(root), ds("Object")).append(original)


def _original_moved_into_the_property_object(root: Element) -> None:
    original = root[1]
    root.append(with_id(forged(), "other"))
    signature_of(root)[3].append(original)


def _original_moved_into_an_extension_of_the_forged_one(root: Element) -> None:
    original = root[1]
    fresh = with_id(forged(), "other")
    root.append(fresh)
    etree.SubElement(fresh[0], "wrapper").append(original)


def _same_id_on_both(root: Element) -> None:
    original = root[1]
    root.append(with_id(forged()))
    signature_of(root)[3].append(original)


def _bare_id_on_another_element(root: Element) -> None:
    signature_of(root)[2].set("Id", "oadrSignedObject")


def _foreign_id_on_another_element(root: Element) -> None:
    signature_of(root)[2].set("{urn:evil}id", "oadrSignedObject")


def _xml_id_on_another_element(root: Element) -> None:
    signature_of(root)[2].set("{http://www.w3.org/XML/1998/namespace}id", "oadrSignedObject")


def _padded_id_on_another_element(root: Element) -> None:
    signature_of(root)[2].set("ID", " oadrSignedObject\n")


def _second_signature(root: Element) -> None:
    root.insert(0, deepcopy(signature_of(root)))


def _second_signature_inside(root: Element) -> None:
    copy = deepcopy(signature_of(root))
    signature_of(root)[3].append(copy)


def _wrapped_in_a_second_payload(root: Element) -> None:
    inner = deepcopy(root)
    root[:] = [signature_of(inner), with_id(forged())]
    signature_of(root)[3].append(inner)


def _second_protect(root: Element) -> None:
    protect = signature_of(root).find(f".//{dsp('ReplayProtect')}")
    assert protect is not None
    signature_of(root)[2].append(deepcopy(protect))


WRAPPINGS = [
    _second_object_behind,
    _second_object_before,
    _original_moved_into_an_object,
    _original_moved_into_the_property_object,
    _original_moved_into_an_extension_of_the_forged_one,
    _same_id_on_both,
    _second_signature,
    _second_signature_inside,
    _wrapped_in_a_second_payload,
    _second_protect,
]
IDS = [
    _bare_id_on_another_element,
    _foreign_id_on_another_element,
    _xml_id_on_another_element,
    _padded_id_on_another_element,
]


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-04")
@pytest.mark.parametrize("attack", WRAPPINGS, ids=lambda attack: attack.__name__)
@pytest.mark.parametrize("policy", [Policy(), LAST], ids=["first", "last"])
def test_a_wrapped_signature_is_refused(attack: object, policy: Policy) -> None:
    assert callable(attack)

    assert refusal(changed(VEN.sealed(), attack), policy=policy) == "SIGNATURE_SHAPE"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_nothing_else_stands_in_a_signed_payload(place: int) -> None:
    def add(root: Element) -> None:
        root.insert(place, etree.Element("{urn:evil}thing"))

    assert refusal(changed(VEN.sealed(), add)) == "SIGNATURE_SHAPE"


@pytest.mark.parametrize("attack", IDS, ids=lambda attack: attack.__name__)
def test_a_name_that_stands_twice_is_refused(attack: object) -> None:
    assert callable(attack)
    assert refusal(changed(VEN.sealed(), attack)) == "SIGNATURE_REFERENCE"


def test_the_forged_object_is_refused_even_when_it_takes_the_signed_one_s_place() -> None:
    def replace(root: Element) -> None:
        root[1] = with_id(forged())

    assert refusal(changed(VEN.sealed(), replace)) == "SIGNATURE_DIGEST"


def test_references_to_the_signature_s_own_parts_do_not_stand_for_the_message() -> None:
    def both_to_the_property(root: Element) -> None:
        info = signature_of(root)[0]
        info[2].set("URI", "#replayProtect")

    root = xml.parse(VEN.sealed())
    both_to_the_property(root)

    assert refusal(VEN.resigned(root)) == "SIGNATURE_REFERENCE"


def test_both_references_to_the_message_leave_the_time_unsigned() -> None:
    root = xml.parse(VEN.sealed())
    signature_of(root)[0][3].set("URI", "#oadrSignedObject")

    assert refusal(VEN.resigned(root)) == "SIGNATURE_REFERENCE"


@pytest.mark.parametrize(
    "uri", ["#xpointer(/)", "http://evil.example/a", "#", "other", "#nowhere", "# oadrSignedObject"]
)
def test_other_uris_are_refused(uri: str) -> None:
    root = xml.parse(VEN.sealed())
    signature_of(root)[0][2].set("URI", uri)

    assert refusal(VEN.resigned(root)) == "SIGNATURE_REFERENCE"


def test_the_message_itself_may_not_be_named_as_the_signed_part() -> None:
    root = xml.parse(VEN.sealed())
    root[1][0].set("Id", "inner")
    signature_of(root)[0][2].set("URI", "#inner")

    assert refusal(VEN.resigned(root)) == "SIGNATURE_REFERENCE"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_references_is_refused(count: int) -> None:
    root = xml.parse(VEN.sealed())
    info = signature_of(root)[0]
    references = info.findall(ds("Reference"))
    for reference in references:
        info.remove(reference)
    for at in range(count):
        info.append(deepcopy(references[min(at, 1)]))

    assert refusal(VEN.resigned(root)) == "SIGNATURE_SHAPE"


@pytest.mark.parametrize("text", ["ven-1<!--x-->0", "ven-1<?x y?>0", "ven-1<![CDATA[0]]>"])
def test_what_a_comment_splits_is_read_as_it_was_signed(text: str) -> None:
    sealed = VEN.sealed().replace(b"<ei:venID>ven-1</", b"<ei:venID>ven-10</")
    assert refusal(sealed) == "SIGNATURE_DIGEST"
    honest = VEN.sealed(POLL.replace(b">ven-1<", b">ven-10<"))

    split = honest.replace(b">ven-10<", f">{text}<".encode())

    assert split != honest
    assert message_of(split) == OadrPoll(ven_id="ven-10")


def test_a_document_type_is_refused_before_anything_else() -> None:
    head, _, rest = VEN.sealed().partition(b"?>")
    with pytest.raises(WireError, match="DOCTYPE"):
        read(head + b"?><!DOCTYPE a [<!ATTLIST a Id ID #IMPLIED>]>" + rest)


def test_attributes_that_canonical_xml_hands_down_are_refused_on_the_root() -> None:
    def speak(root: Element) -> None:
        root.set("{http://www.w3.org/XML/1998/namespace}lang", "en")

    assert refusal(changed(VEN.sealed(), speak)) == "SIGNATURE_SHAPE"


def test_a_namespace_without_canonical_form_is_refused() -> None:
    body = VEN.sealed().replace(b"<oadr:oadrPayload ", b'<oadr:oadrPayload xmlns:r="relative" ')

    assert refusal(body) == "SIGNATURE_SHAPE"


def test_nothing_but_the_verified_object_is_handed_back() -> None:
    assert isinstance(message_of(VEN.sealed(ANSWER)), OadrResponse)


# --- forms that others emit


def _enveloped_form(root: Element) -> None:
    """Cover the whole document without the signature, as an enveloped signature does."""
    reference = signature_of(root)[0][2]
    reference.set("URI", "")
    reference[0][0].set("Algorithm", ENVELOPED)


@pytest.mark.spec("OpenADR 2.0b section 10.6.1")
def test_the_enveloped_form_is_taken() -> None:
    root = xml.parse(VEN.sealed())
    _enveloped_form(root)

    assert message_of(VEN.resigned(root)) == OadrPoll(ven_id="ven-1")


def test_the_enveloped_form_with_a_canonical_one_behind_it_is_taken() -> None:
    root = xml.parse(VEN.sealed())
    _enveloped_form(root)
    transforms = signature_of(root)[0][2][0]
    etree.SubElement(transforms, ds("Transform"), Algorithm=C14N_COMMENTS)

    assert message_of(VEN.resigned(root)) == OadrPoll(ven_id="ven-1")


def test_the_enveloped_form_covers_what_stands_around_the_object() -> None:
    root = xml.parse(VEN.sealed())
    _enveloped_form(root)
    body = VEN.resigned(root)

    spaced = body.replace(b"</ds:Signature>", b"</ds:Signature>\n ")

    assert refusal(body) == ""
    assert refusal(spaced) == "SIGNATURE_DIGEST"


def test_a_reference_to_all_that_includes_the_signature_is_refused() -> None:
    root = xml.parse(VEN.sealed())
    signature_of(root)[0][2].set("URI", "")

    assert refusal(VEN.resigned(root)) == "SIGNATURE_REFERENCE"


def test_references_in_the_other_order_are_taken() -> None:
    root = xml.parse(VEN.sealed())
    info = signature_of(root)[0]
    info.append(info[2])

    assert message_of(VEN.resigned(root)) == OadrPoll(ven_id="ven-1")


@pytest.mark.parametrize("tag", ["SignatureProperties", "SignatureProperty"])
def test_the_time_may_be_named_by_any_part_around_it(tag: str) -> None:
    root = xml.parse(VEN.sealed())
    signature = signature_of(root)
    named = signature.find(f".//{ds(tag)}")
    assert named is not None
    named.set("Id", "inner")
    signature[0][3].set("URI", "#inner")

    assert message_of(VEN.resigned(root)) == OadrPoll(ven_id="ven-1")


def test_a_signature_behind_the_object_is_taken_by_setting_alone() -> None:
    root = xml.parse(VEN.sealed())
    root.append(signature_of(root))
    body = VEN.resigned(root)

    assert refusal(body) == "SIGNATURE_SHAPE"
    assert message_of(body, policy=LAST) == OadrPoll(ven_id="ven-1")


def test_the_enveloped_form_covers_the_blanks_behind_a_signature_that_stands_last() -> None:
    root = xml.parse(VEN.sealed())
    root.append(signature_of(root))
    _enveloped_form(root)
    body = VEN.resigned(root)
    spaced = body.replace(b"</ds:Signature>", b"</ds:Signature>\n ")

    assert refusal(body, policy=LAST) == ""
    assert refusal(spaced, policy=LAST) == "SIGNATURE_DIGEST"


# --- algorithms


def test_sha1_is_refused_unless_it_is_allowed() -> None:
    root = xml.parse(VTN.sealed())
    sha1_form(root)
    body = VTN.resigned(root, sha1=True)

    assert refusal(body, VTN) == "SIGNATURE_ALGORITHM"
    assert message_of(body, VTN, Policy(sha1=True)) == OadrPoll(ven_id="ven-1")


@pytest.mark.parametrize("tag", ["DigestMethod", "SignatureMethod"])
def test_sha1_is_refused_in_either_place(tag: str) -> None:
    root = xml.parse(VTN.sealed())
    sha1_form(root)
    good = xml.parse(VTN.sealed())
    for ours, theirs in zip(root.iter(ds(tag)), good.iter(ds(tag)), strict=True):
        ours.set("Algorithm", theirs.get("Algorithm", ""))

    assert refusal(VTN.resigned(root, sha1=True), VTN) in {
        "SIGNATURE_ALGORITHM",
        "SIGNATURE_VALUE",
    }
    assert refusal(VTN.resigned(root), VTN) == "SIGNATURE_ALGORITHM"


def test_a_mac_with_the_public_key_as_its_secret_is_refused() -> None:
    root = xml.parse(VTN.sealed())
    info, value, *_ = signature_of(root)
    info[1].set("Algorithm", HMAC)
    public = VTN.key.private.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    value.text = base64.b64encode(hmac.digest(public, canonical(info), "sha256")).decode()

    assert refusal(etree.tostring(root), VTN) == "SIGNATURE_ALGORITHM"


@pytest.mark.parametrize("algorithm", ["", "none", "urn:none", EXCLUSIVE, HMAC])
@pytest.mark.parametrize("place", [0, 1])
def test_algorithms_outside_the_list_are_refused(algorithm: str, place: int) -> None:
    root = xml.parse(VEN.sealed())
    signature_of(root)[0][place].set("Algorithm", algorithm)

    assert refusal(VEN.resigned(root)) == "SIGNATURE_ALGORITHM"


@pytest.mark.parametrize(
    "algorithm",
    [
        EXCLUSIVE,
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/2002/06/xmldsig-filter2",
    ],
)
def test_transforms_outside_the_list_are_refused(algorithm: str) -> None:
    root = xml.parse(VEN.sealed())
    signature_of(root)[0][2][0][0].set("Algorithm", algorithm)

    assert refusal(VEN.resigned(root)) == "SIGNATURE_ALGORITHM"


def test_parameters_of_algorithms_are_refused() -> None:
    root = xml.parse(VEN.sealed())
    etree.SubElement(signature_of(root)[0][1], ds("HMACOutputLength")).text = "0"

    assert refusal(VEN.resigned(root)) == "SIGNATURE_ALGORITHM"


@pytest.mark.parametrize("order", [[0, 0], [0, 1, 0], [0, 1]])
def test_transforms_may_be_enveloped_and_then_canonical_only(order: list[int]) -> None:
    root = xml.parse(VEN.sealed())
    transforms = signature_of(root)[0][2][0]
    plain = transforms[0]
    enveloped = deepcopy(plain)
    enveloped.set("Algorithm", ENVELOPED)
    transforms[:] = [deepcopy((plain, enveloped)[at]) for at in order]

    assert refusal(VEN.resigned(root)) == "SIGNATURE_ALGORITHM"


def test_an_rsa_method_over_an_ecc_key_fits_nothing() -> None:
    root = xml.parse(VEN.sealed())
    signature_of(root)[0][1].set("Algorithm", RSA_SHA256)

    assert refusal(VEN.resigned(root)) == "SIGNATURE_VALUE"


# --- keys and certificates


def test_a_key_in_the_message_is_worth_nothing_by_itself() -> None:
    assert refusal(OTHER.sealed()) == "SIGNATURE_CERTIFICATE"


def test_the_right_certificate_over_another_key_s_signature_is_refused() -> None:
    def swap(root: Element) -> None:
        found = root.find(f".//{ds('X509Certificate')}")
        assert found is not None
        found.text = VEN.key.certificate

    assert refusal(changed(OTHER.sealed(), swap)) == "SIGNATURE_VALUE"


def test_the_certificate_on_file_is_found_among_others() -> None:
    def add(root: Element) -> None:
        found = root.find(f".//{ds('X509Data')}")
        assert found is not None
        first = etree.Element(ds("X509Certificate"))
        first.text = OTHER.key.certificate
        found.insert(0, first)

    assert refusal(changed(VEN.sealed(), add)) == ""


def test_a_key_value_is_never_used() -> None:
    def swap(root: Element) -> None:
        info = signature_of(root)[2]
        info[:] = [etree.Element(ds("KeyValue"))]

    assert refusal(changed(VEN.sealed(), swap)) == "SIGNATURE_CERTIFICATE"


@pytest.mark.parametrize("text", ["", "%%%", "AAAA", "A" * 40_000])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    def swap(root: Element) -> None:
        found = root.find(f".//{ds('X509Certificate')}")
        assert found is not None
        found.text = text

    assert refusal(changed(VEN.sealed(), swap)) in {"SIGNATURE_SHAPE", "SIGNATURE_CERTIFICATE"}


@pytest.mark.parametrize("year", [2019, 2051])
def test_a_certificate_signs_nothing_outside_its_days(year: int) -> None:
    now = datetime(year, 1, 1, tzinfo=UTC)
    with pytest.raises(Exception, match="SIGNATURE_KEY"):
        read(VEN.sealed(now=now), now=now)


def _certified(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *, signs: bool | None = None
) -> tuple[bytes, bytes]:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "weak")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
    )
    if signs is not None:
        usage = x509.KeyUsage(
            digital_signature=signs,
            content_commitment=False,
            key_encipherment=True,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    chain = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return chain, pem


WEAK = {
    "rsa-1024": _certified(rsa.generate_private_key(65537, 1024)),
    "p-224": _certified(ec.generate_private_key(ec.SECP224R1())),
    "not-for-signatures": _certified(ec.generate_private_key(ec.SECP256R1()), signs=False),
}


@pytest.mark.spec("OpenADR 2.0b rule 68")
@pytest.mark.parametrize("name", list(WEAK))
def test_a_weak_certificate_neither_signs_nor_is_believed(name: str) -> None:
    chain, pem = WEAK[name]
    with pytest.raises(ConfigError, match="certificate"):
        signing_key(chain, pem)

    der = x509.load_pem_x509_certificate(chain).public_bytes(Encoding.DER)
    found = peer_key(der)
    assert found is not None
    with pytest.raises(Exception, match="SIGNATURE_KEY"):
        found.admit(NOW)


def test_signing_material_that_does_not_belong_together_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match="belong together"):
        signing_key(VEN.leaf.chain_pem, OTHER.leaf.key_pem)
    with pytest.raises(ConfigError, match="PEM"):
        signing_key(b"", VEN.leaf.key_pem)


def test_a_certificate_that_says_it_may_sign_is_taken() -> None:
    chain, pem = _certified(ec.generate_private_key(ec.SECP384R1()), signs=True)
    key = signing_key(chain, pem)
    public = key.peer.admit(NOW)

    assert verifies(public, key.method, key.sign(b"text"), b"text")
    assert not verifies(public, key.method, key.sign(b"text"), b"other")
    assert not verifies(public, key.method, b"\0" * 96, b"text")
    assert not verifies(public, key.method, b"short", b"text")


# --- ReplayProtect


def _without_protect(root: Element) -> None:
    found = root.find(f".//{ds('SignatureProperty')}")
    assert found is not None
    found[:] = []


def _without_nonce(root: Element) -> None:
    found = root.find(f".//{dsp('nonce')}")
    assert found is not None
    found.text = "  "


def _without_time(root: Element) -> None:
    found = root.find(f".//{dsp('timestamp')}")
    assert found is not None
    found.text = "yesterday"


@pytest.mark.parametrize("attack", [_without_protect, _without_nonce, _without_time])
def test_a_signature_without_time_and_nonce_is_refused(attack: object) -> None:
    assert callable(attack)
    root = xml.parse(VEN.sealed())
    attack(root)

    assert refusal(VEN.resigned(root)) == "REPLAY_MISSING"


def test_the_time_cannot_be_changed() -> None:
    body = VEN.sealed()

    assert (
        refusal(body.replace(b"2026-05-01T12:00:00", b"2026-05-01T12:00:01")) == "SIGNATURE_DIGEST"
    )


def test_names_of_the_schema_are_used() -> None:
    root = xml.parse(VEN.sealed())

    assert root[1].tag == OBJECT
    assert root[1].get(qualified("oadr:Id")) == "oadrSignedObject"
    assert signature_of(root).nsmap["ds"] == DS
