"""Three other implementations verify our signatures, and we verify those of two of them."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypedDict

import pytest
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod
from signxml.signer import XMLSigner
from signxml.verifier import XMLVerifier

from gateway.protocols import xml
from gateway.protocols.oadr2b.signature.names import OBJECT, ds, dsp
from tests.oadr2b_samples import SAMPLES
from tests.signing import CODEC, NOW, POLL, VEN, VTN, Party, read, refusal

pytestmark = [pytest.mark.peer, pytest.mark.spec("OpenADR 2.0b section 10.6")]
PARTIES: Final = {"ecdsa": VEN, "rsa": VTN}
XMLSEC: Final = shutil.which("xmlsec1")
ROOT: Final = Path(__file__).parents[2]


def signed(party: Party, now: datetime = NOW) -> dict[str, bytes]:
    return {name: party.sealed(CODEC.encode(message), now) for name, message in SAMPLES.items()}


# --- signxml


@pytest.mark.parametrize("party", PARTIES.values(), ids=PARTIES)
def test_signxml_verifies_what_we_sign(party: Party) -> None:
    for name, body in signed(party).items():
        found = XMLVerifier().verify(
            etree.fromstring(body),  # noqa: TID251 - the other implementation's own parser
            x509_cert=party.leaf.chain_pem.decode(),
            expect_references=2,
        )
        assert isinstance(found, list)
        one, other = (part.signed_xml for part in found)
        assert one is not None, name
        assert other is not None, name
        assert (one.tag, other.tag) == (OBJECT, ds("Object")), name


@pytest.mark.parametrize("party", PARTIES.values(), ids=PARTIES)
def test_we_verify_what_signxml_signs(party: Party) -> None:
    root = xml.parse(POLL)
    root[0].set(f"{{{OBJECT[1:].partition('}')[0]}}}Id", "oadrSignedObject")
    protect = etree.Element(dsp("ReplayProtect"), nsmap={"dsp": dsp("")[1:-1]})
    etree.SubElement(protect, dsp("timestamp")).text = "2026-05-01T12:00:00Z"
    etree.SubElement(protect, dsp("nonce")).text = "n-1"
    algorithm = "ecdsa-sha256" if party is VEN else "rsa-sha256"
    signer = XMLSigner(
        method=SignatureConstructionMethod.detached,
        signature_algorithm=algorithm,
        c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    # It canonicalises its SignedInfo alone: so it must know what is in scope where that will stand.
    signer.namespaces.update({prefix: uri for prefix, uri in root.nsmap.items() if prefix})
    signature = signer.sign(
        root,
        key=party.leaf.key_pem.decode(),
        cert=party.leaf.chain_pem.decode(),
        reference_uri="#oadrSignedObject",
        signature_properties=protect,
    )
    root.insert(0, signature)

    found = read(etree.tostring(root), party)

    assert found.message == CODEC.decode(POLL)
    assert found.stamp is not None
    assert found.stamp.nonce == "n-1"


# --- xmlsec1


@pytest.mark.skipif(XMLSEC is None, reason="xmlsec1 is not installed (Debian package xmlsec1)")
@pytest.mark.parametrize("party", PARTIES.values(), ids=PARTIES)
def test_xmlsec1_verifies_what_we_sign(party: Party, tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(party.leaf.chain_pem)
    for name, body in signed(party).items():
        assert _xmlsec(body, certificate, tmp_path) == 0, name


@pytest.mark.skipif(XMLSEC is None, reason="xmlsec1 is not installed (Debian package xmlsec1)")
def test_xmlsec1_refuses_what_was_changed(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(VEN.leaf.chain_pem)
    changed = VEN.sealed().replace(b">ven-1<", b">ven-2<")

    assert _xmlsec(VEN.sealed(), certificate, tmp_path) == 0
    assert _xmlsec(changed, certificate, tmp_path) != 0
    assert refusal(changed) == "SIGNATURE_DIGEST"


def _xmlsec(body: bytes, certificate: Path, folder: Path) -> int:
    assert XMLSEC is not None
    document = folder / "document.xml"
    document.write_bytes(body)
    options = ["--id-attr:Id", OBJECT[1:].replace("}", ":"), "--enabled-reference-uris", "same-doc"]
    # The key on file, never the one in the message.
    keys = ["--enabled-key-data", "key-name", "--pubkey-cert-pem", str(certificate)]
    done = subprocess.run(
        [XMLSEC, "--verify", *options, *keys, str(document)],
        capture_output=True,
        check=False,
        timeout=20,
    )
    return done.returncode


# --- openleadr


class Exchange(TypedDict):
    """What the child program answers."""

    written: dict[str, str]
    judged: dict[str, str]


@pytest.fixture(scope="module", params=list(PARTIES))
def exchange(request: pytest.FixtureRequest) -> tuple[Party, datetime, Exchange]:
    party = PARTIES[request.param]
    now = datetime.now(UTC)  # noqa: TID251 - openleadr reads the wall's clock, and takes 5 s of age
    given = {
        "chain": party.leaf.chain_pem.decode(),
        "key": party.leaf.key_pem.decode(),
        "fingerprint": party.fingerprint,
        # It refuses what is older than 5 s and knows no future: the child takes a while to start.
        "ours": {
            name: body.decode()
            for name, body in signed(party, now.replace(year=now.year + 1)).items()
        },
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.openleadr_signatures"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer: Exchange = json.loads(done.stdout)
    return party, now, answer


@pytest.mark.slow
def test_openleadr_verifies_what_we_sign(exchange: tuple[Party, datetime, Exchange]) -> None:
    _, _, answer = exchange

    assert answer["judged"] == dict.fromkeys(SAMPLES, "ok")


@pytest.mark.slow
def test_we_verify_what_openleadr_signs(exchange: tuple[Party, datetime, Exchange]) -> None:
    party, now, answer = exchange

    assert len(answer["written"]) > 10
    for kind, text in answer["written"].items():
        found = read(text.encode(), party, now=now)
        assert type(found.message).__name__ == kind[0].upper() + kind[1:]
        assert found.stamp is not None
        assert abs((found.stamp.at - now).total_seconds()) < 60
