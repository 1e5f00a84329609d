"""What the evidence says of TLS: server name, curve, both chains, alerts, and why a handshake failed."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from certs.issue import OpenAdrPki, openadr
from conformance.engine.reports.facets import wires
from conformance.faults.disguise import HONEST, NEW, Wardrobe
from conformance.kit.transcript import Connection, Message, Side
from conformance.peers.script2b.caller import Caller
from conformance.peers.script2b.door import Address, Door
from conformance.peers.script2b.handshake import CURVES, Handshake, hearing
from conformance.peers.script2b.ports import Answer, Contexts, Seen
from gateway.client.clock import SystemClock

PKI = openadr("ecc", datetime.now(UTC))  # noqa: TID251 - certificates of this very day


class Recorder:
    """Keeps what it is told of TLS."""

    def __init__(self) -> None:
        self.tls: list[Mapping[str, str]] = []
        self.ders: list[Mapping[str, Sequence[bytes]]] = []
        self.marks: list[tuple[str, Mapping[str, object]]] = []

    def connection(self, opened_by: Side) -> int:
        del opened_by
        return 1

    def handshake(
        self, connection: int, facts: Mapping[str, str], ders: Mapping[str, Sequence[bytes]]
    ) -> None:
        del connection
        self.tls.append(facts)
        self.ders.append(ders)

    def message(self, seen: Seen) -> Message:
        return Message(
            number=1,
            sender=seen.sender,
            part=seen.part,
            connection=1,
            exchange=1,
            at=datetime(2026, 5, 4, tzinfo=UTC),
            elapsed_s=0,
            start="HTTP/1.1 200 OK",
            headers=(),
            body=seen.body,
        )

    def mark(self, name: str, **values: object) -> None:
        self.marks.append((name, values))


class One:
    """Contexts of which there is one."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def context(self, _: object) -> ssl.SSLContext:
        return self._context


def client(pki: OpenAdrPki, folder: Path, trusts: OpenAdrPki | None = None) -> ssl.SSLContext:
    ven = pki.ven("some-ven")
    path = folder / "ven.pem"
    path.write_bytes(ven.key_pem + ven.chain_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(path)
    context.load_verify_locations(cadata=(trusts or pki).anchor_pem.decode())
    return context


async def served(_: Message) -> Answer:
    return Answer(status="200 OK", headers=(), body=b"x")


async def met(contexts: Contexts, calling: ssl.SSLContext) -> tuple[Recorder, Recorder]:
    """Have the suite's own caller meet its own door and return what either recorded."""
    door_tape, caller_tape, clock = Recorder(), Recorder(), SystemClock()
    door = Door(served, door_tape, clock, contexts, Address())
    await door.up()
    caller = Caller(caller_tape, clock, calling, 5)
    await caller.post(f"{door.url}/x", b"y")
    await caller.close()
    await asyncio.sleep(0)  # noqa: TID251 - lets the door see the end
    await door.down()
    return door_tape, caller_tape


@pytest.mark.parametrize(("disguise", "version"), [(HONEST, "TLSv1.2"), (NEW, "TLSv1.3")])
async def test_name_curve_and_both_chains_are_recorded_on_either_side(
    disguise: object, version: str, tmp_path: Path
) -> None:
    context = Wardrobe(PKI).context(disguise)  # type: ignore[arg-type]  # one of two disguises
    if version == "TLSv1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2

    door, caller = await met(One(context), client(PKI, tmp_path))

    for tape in (door, caller):
        assert tape.tls[0]["version"] == version
        assert tape.tls[0]["sni"] == "localhost"
        assert tape.tls[0]["curve"] in CURVES.values()
        assert "alerts" not in tape.tls[0]
    shown = {name: list(chain) for name, chain in door.ders[0].items()}
    seen = {name: list(chain) for name, chain in caller.ders[0].items()}
    assert shown["peer_chain_sha256"] == seen["own_chain_sha256"]
    assert shown["own_chain_sha256"] == seen["peer_chain_sha256"]
    assert [len(chain) for chain in shown.values()] == [1, 2, 2]
    leaf, issuer = [x509.load_der_x509_certificate(x) for x in shown["peer_chain_sha256"]]
    assert shown["peer_sha256"] == shown["peer_chain_sha256"][:1]
    assert leaf.issuer == issuer.subject


async def test_a_peer_that_does_not_trust_us_is_recorded_with_its_reason(tmp_path: Path) -> None:
    strange = openadr("rsa", datetime.now(UTC))  # noqa: TID251 - of this very day

    door, caller = await met(Wardrobe(PKI), client(PKI, tmp_path, strange))

    assert caller.tls[0]["verify"].startswith(("19 ", "20 "))
    assert caller.tls[0]["error"] == "SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED"
    assert caller.tls[0]["alerts"].startswith("sent 48")
    assert "version" not in caller.tls[0]
    assert door.tls[0]["error"]
    assert door.tls[0]["sni"] == "localhost"


async def test_a_refusal_after_the_handshake_of_tls_1_3_is_a_mark(tmp_path: Path) -> None:
    door_tape, clock = Recorder(), SystemClock()
    door = Door(served, door_tape, clock, One(Wardrobe(PKI).context(NEW)), Address())
    await door.up()
    stranger = client(openadr("ecc", datetime.now(UTC)), tmp_path, PKI)  # noqa: TID251 - of this very day
    with hearing(stranger) as heard, contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", int(door.url.rpartition(":")[2]), ssl=stranger, server_hostname="localhost"
        )
        await reader.read()
        writer.close()
    await door.down()

    assert heard.alerts[:1] in ([], ["received 48"])
    assert door_tape.tls[0]["error"]
    assert door_tape.tls[0]["alerts"].startswith("sent ")


def test_an_interpreter_without_the_hook_says_that_it_cannot_tell() -> None:
    class Bare:
        """A context without the hook."""

    assert Handshake().facts(Bare()) == {"sni": "not available", "curve": "not available"}  # type: ignore[arg-type]  # stands for a context
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert Handshake().facts(context) == {"sni": "none", "curve": "none"}


@given(st.sampled_from([21, 22]), st.sampled_from([1, 2, 11, 12]), st.binary(max_size=200))
def test_a_spoilt_message_of_a_handshake_tells_nothing_and_harms_nothing(
    content: int, kind: int, data: bytes
) -> None:
    Handshake().hear("read", content, kind, data)


def test_alike_connections_stand_in_one_row_of_the_page() -> None:
    at = datetime(2026, 5, 4, tzinfo=UTC)
    good = {"version": "TLSv1.2", "sni": "localhost", "peer_chain_sha256": "aa bb"}
    bad = {"error": "SSLError: X", "verify": "20 unable", "alerts": "sent 48"}
    made = [
        Connection(number=n, at=at, opened_by=Side.DEVICE, tls=tls)
        for n, tls in enumerate((good, good, bad))
    ]

    rows = wires(made)

    assert {(row.count, row.name, row.chain, row.error) for row in rows} == {
        (2, "localhost", ("aa", "bb"), ""),
        (1, "", (), "SSLError: X; 20 unable; alerts: sent 48"),
    }


async def test_renegotiation_is_a_second_handshake_in_the_middle_of_an_answer(
    tmp_path: Path,
) -> None:
    door = Door(served, Recorder(), SystemClock(), Wardrobe(PKI), Address())
    door.strike("1: tls_renegotiation")
    await door.up()
    calling, hellos = client(PKI, tmp_path), [0]

    def hear(*said: object) -> None:
        hellos[0] += said[1:5:3] == ("write", 1) and said[3] == 22

    calling._msg_callback = hear  # type: ignore[attr-defined]  # the hook for debugging
    reader, writer = await asyncio.open_connection(
        "localhost", int(door.url.rpartition(":")[2]), ssl=calling
    )
    answers = []
    for _ in range(2):
        writer.write(b"POST /x HTTP/1.1\r\nContent-Length: 1\r\n\r\ny")
        head = await reader.readuntil(b"\r\n\r\n")
        answers.append((head[:15], await reader.readexactly(1)))
    writer.close()
    await door.down()

    assert answers == [(b"HTTP/1.1 200 OK", b"x")] * 2
    assert hellos == [2]
