"""Issued certificates in real mutual TLS on loopback: the suites of the profile, and who is turned away."""

import asyncio
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.files import write
from certs.issue import Leaf, OpenAdrPki, openadr
from certs.profiles import Validity

NOW = datetime(2026, 5, 3, tzinfo=UTC)
BYGONE = Validity(start=NOW - timedelta(days=2000), end=NOW - timedelta(days=1500))


@pytest.fixture(scope="module")
def rsa_pki() -> OpenAdrPki:
    return openadr("rsa", NOW)


@pytest.fixture(scope="module")
def ecc() -> OpenAdrPki:
    return openadr("ecc", NOW)


def context(side: int, leaf: Leaf, trusted: OpenAdrPki, suite: str, folder: Path) -> ssl.SSLContext:
    """Make one side: TLS 1.2, mutual, one suite, and the strict reading of RFC 5280."""
    files = write(leaf, folder, f"{leaf.role}")
    made = ssl.SSLContext(side)
    made.minimum_version = made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(suite)
    made.verify_mode = ssl.CERT_REQUIRED
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    made.load_cert_chain(files.certificate, files.key)
    made.load_verify_locations(cadata=trusted.anchor_pem.decode())
    return made


async def handshake(
    server: ssl.SSLContext, client: ssl.SSLContext, host: str = "localhost"
) -> tuple[str, bytes]:
    """Connect, let the server answer with the client's certificate; return the suite and that certificate."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client, server_hostname=host
        )
        try:
            suite = writer.get_extra_info("cipher")[0]
            return suite, await reader.read()
        finally:
            writer.close()


def sides(
    vtn: Leaf, ven: Leaf, trusted: OpenAdrPki, suite: str, folder: Path
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return (
        context(ssl.PROTOCOL_TLS_SERVER, vtn, trusted, suite, folder / "server"),
        context(ssl.PROTOCOL_TLS_CLIENT, ven, trusted, suite, folder / "client"),
    )


def refusal_by_server(server: ssl.SSLContext, client: ssl.SSLContext) -> str:
    """Shake hands in memory and return why the server refuses; asyncio drops that alert on its way to the client."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    called = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        with suppress(ssl.SSLWantReadError):
            caller.do_handshake()
        try:
            called.do_handshake()
            return "accepted"
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
    return "unfinished"


@pytest.mark.spec("OpenADR 2.0b case G1_4010")
@pytest.mark.spec("OpenADR 2.0b rule 67")
@pytest.mark.parametrize(
    "suite", ["AES128-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"]
)
async def test_rsa_leaves_shake_hands(rsa_pki: OpenAdrPki, suite: str, tmp_path: Path) -> None:
    ven = rsa_pki.ven("ven-1")

    used, seen = await handshake(*sides(rsa_pki.vtn(), ven, rsa_pki, suite, tmp_path))

    assert (used, seen) == (suite, ven.der)


@pytest.mark.spec("OpenADR 2.0b case G1_4010")
@pytest.mark.spec("OpenADR 2.0b rule 67")
@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"])
async def test_ecc_leaves_shake_hands(ecc: OpenAdrPki, suite: str, tmp_path: Path) -> None:
    ven = ecc.ven("ven-1")

    used, seen = await handshake(*sides(ecc.vtn(), ven, ecc, suite, tmp_path))

    assert (used, seen) == (suite, ven.der)


async def test_in_push_mode_the_ven_listens_and_the_vtn_calls(
    ecc: OpenAdrPki, tmp_path: Path
) -> None:
    vtn = ecc.vtn()
    server, client = sides(ecc.ven("ven-1"), vtn, ecc, "ECDHE-ECDSA-AES128-SHA256", tmp_path)
    client.check_hostname = False

    _, seen = await handshake(server, client)

    assert seen == vtn.der


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_the_southbound_listener_is_known_by_host_name_and_address(
    ecc: OpenAdrPki, tmp_path: Path, host: str
) -> None:
    server, client = sides(ecc.server(), ecc.ven("v"), ecc, "ECDHE-ECDSA-AES128-SHA256", tmp_path)

    used, _ = await handshake(server, client, host)

    assert used == "ECDHE-ECDSA-AES128-SHA256"


def test_the_in_memory_handshake_accepts_what_is_sound(ecc: OpenAdrPki, tmp_path: Path) -> None:
    contexts = sides(ecc.vtn(), ecc.ven("v"), ecc, "ECDHE-ECDSA-AES128-SHA256", tmp_path)

    assert refusal_by_server(*contexts) == "accepted"


def test_a_southbound_listener_cannot_pose_as_a_client(ecc: OpenAdrPki, tmp_path: Path) -> None:
    contexts = sides(ecc.vtn(), ecc.server(), ecc, "ECDHE-ECDSA-AES128-SHA256", tmp_path)

    assert refusal_by_server(*contexts) == "unsuitable certificate purpose"


async def test_a_server_under_another_host_name_is_refused(ecc: OpenAdrPki, tmp_path: Path) -> None:
    contexts = sides(
        ecc.vtn("other.test"), ecc.ven("v"), ecc, "ECDHE-ECDSA-AES128-SHA256", tmp_path
    )

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        await handshake(*contexts)


@pytest.mark.spec("OpenADR 2.0b rule 516")
async def test_an_expired_server_is_refused(ecc: OpenAdrPki, tmp_path: Path) -> None:
    vtn = ecc.vtn(validity=BYGONE)
    contexts = sides(vtn, ecc.ven("v"), ecc, "ECDHE-ECDSA-AES128-SHA256", tmp_path)

    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        await handshake(*contexts)


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-07")
@pytest.mark.spec("OpenADR 2.0b rule 516")
def test_an_expired_client_is_refused(ecc: OpenAdrPki, tmp_path: Path) -> None:
    ven = ecc.ven("v", validity=BYGONE)
    contexts = sides(ecc.vtn(), ven, ecc, "ECDHE-ECDSA-AES128-SHA256", tmp_path)

    assert refusal_by_server(*contexts) == "certificate has expired"


async def test_a_server_of_another_hierarchy_is_refused(ecc: OpenAdrPki, tmp_path: Path) -> None:
    other = openadr("ecc", NOW)
    contexts = sides(other.vtn(), ecc.ven("v"), ecc, "ECDHE-ECDSA-AES128-SHA256", tmp_path)

    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        await handshake(*contexts)


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-07")
def test_a_client_of_another_hierarchy_is_refused(ecc: OpenAdrPki, tmp_path: Path) -> None:
    other = openadr("ecc", NOW)
    contexts = sides(ecc.vtn(), other.ven("v"), ecc, "ECDHE-ECDSA-AES128-SHA256", tmp_path)

    assert refusal_by_server(*contexts) == "unable to get local issuer certificate"
