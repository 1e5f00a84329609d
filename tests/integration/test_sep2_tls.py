"""TLS of IEEE 2030.5: the suite, the chains of every depth, and each bad variant refused by whom the table says."""

import ssl
from pathlib import Path
from typing import get_args

import pytest

from certs.sep2.hierarchy import Depth, sep2
from certs.sep2.variants import VARIANTS
from gateway.domain.errors import IdentityError
from gateway.transport.sep2_tls import CCM_8, Sep2Profile, judge_chain, sep2_client, sep2_server
from gateway.transport.tls import openadr_client, openadr_server
from tests.sep2_pki import files, shake


@pytest.mark.spec(
    "IEEE 2030.5-2018 6.7",
    "IEEE 2030.5-2018 6.11",
    "CSIP COMM-003",
    "CSIP COMM-004A..C",
    "CSIP Implementation Guide v2.1 5.2",
)
@pytest.mark.parametrize("depth", get_args(Depth))
@pytest.mark.parametrize("shape", ["device", "aggregator"])
@pytest.mark.parametrize("profile", [Sep2Profile.SEP2, Sep2Profile.CSIP])
def test_chains_of_every_depth_shake_hands_over_ccm_8(
    tmp_path: Path, depth: Depth, shape: str, profile: Sep2Profile
) -> None:
    pki = sep2(depth)
    leaf = pki.device("0001") if shape == "device" else pki.aggregator("north")
    lengths: list[int] = []

    def admit(chain: tuple[bytes, ...]) -> None:
        lengths.append(len(chain))
        judge_chain(chain)

    server = sep2_server(files(tmp_path, "server", pki.server(), pki), profile)
    ours = shake(sep2_client(files(tmp_path, "client", leaf, pki), profile), server, admit)  # type: ignore[arg-type] # a tuple is what it gets
    assert ours.cipher() == (CCM_8, "TLSv1.2", 128)
    assert lengths == [depth]


@pytest.mark.spec("IEEE 2030.5-2018 6.11")
def test_a_server_with_nothing_but_a_critical_name_is_known_by_it(tmp_path: Path) -> None:
    pki = sep2(4)
    server = sep2_server(files(tmp_path, "server", pki.server(critical=True), pki))
    ours = shake(sep2_client(files(tmp_path, "client", pki.device("1"), pki)), server)
    shown = ours.getpeercert() or {}
    assert shown["subject"] == ()
    assert ("DNS", "localhost") in shown["subjectAltName"]


@pytest.mark.spec("IEEE 2030.5-2018 6.11", "CSIP COMM-004D..G")
@pytest.mark.parametrize("name", VARIANTS)
def test_a_bad_variant_is_refused_by_whom_the_table_says(tmp_path: Path, name: str) -> None:
    variant = VARIANTS[name]
    pki = sep2(4)
    identity = files(tmp_path, "client", variant.make(pki), pki)
    listener = files(tmp_path, "server", pki.server(), pki)

    def refused(*, strict: bool, judged: bool) -> bool:
        server = sep2_server(listener)
        if not strict:
            server.verify_flags &= ~ssl.VERIFY_X509_STRICT
        try:
            shake(sep2_client(identity), server, judge_chain if judged else None)
        except ssl.SSLError:
            return True
        return False

    by = {
        "openssl": (True, True, True),
        "strict": (False, True, True),
        "judge": (False, False, True),
    }[variant.refused_by]
    assert (
        refused(strict=False, judged=False),
        refused(strict=True, judged=False),
        refused(strict=True, judged=True),
    ) == by


def test_at_least_twenty_bad_variants_are_there() -> None:
    assert len(VARIANTS) >= 20


@pytest.mark.spec("IEEE 2030.5-2018 6.11")
def test_a_certificate_on_another_curve_is_refused_without_help_of_the_handshake(
    tmp_path: Path,
) -> None:
    pki = sep2(4)
    leaf = VARIANTS["p384-key"].make(pki)
    with pytest.raises(IdentityError, match="P-256"):
        judge_chain([leaf.der])


def test_an_empty_chain_is_refused() -> None:
    with pytest.raises(IdentityError, match="no certificate"):
        judge_chain([])


def test_bytes_that_are_no_certificate_are_refused() -> None:
    with pytest.raises(IdentityError, match="cannot be read"):
        judge_chain([b"\x30\x03\x02\x01\x01"])


@pytest.mark.spec("IEEE 2030.5-2018 6.7")
def test_a_peer_that_wants_tls_1_3_or_other_suites_alone_gets_none(tmp_path: Path) -> None:
    pki = sep2(4)
    server = sep2_server(files(tmp_path, "server", pki.server(), pki), Sep2Profile.CSIP)
    client = sep2_client(files(tmp_path, "client", pki.device("1"), pki))
    client.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError):
        shake(client, server)
    newer = ssl.create_default_context()
    newer.check_hostname = False
    newer.verify_mode = ssl.CERT_NONE
    newer.minimum_version = ssl.TLSVersion.TLSv1_3
    with pytest.raises(ssl.SSLError):
        shake(newer, server)


def test_the_contexts_of_other_protocols_keep_their_level(tmp_path: Path) -> None:
    pki = sep2(4)
    identity = files(tmp_path, "one", pki.server(), pki)
    for context in (openadr_client(identity), openadr_server(identity)):
        assert context.security_level >= 1
        assert CCM_8 not in {suite["name"] for suite in context.get_ciphers()}
    assert sep2_client(identity).security_level == 0


@pytest.mark.spec("IEEE 2030.5-2018 6.7")
def test_without_tickets_every_handshake_is_a_full_one(tmp_path: Path) -> None:
    pki = sep2(4)
    identity = files(tmp_path, "server", pki.server(), pki)
    client = sep2_client(files(tmp_path, "client", pki.device("1"), pki))
    assert shake(client, sep2_server(identity, tickets=False)).session.has_ticket is False  # type: ignore[union-attr] # there is one
    assert shake(client, sep2_server(identity)).session.has_ticket is True  # type: ignore[union-attr] # there is one
