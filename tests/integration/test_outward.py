"""Calls to somebody else's address, against real servers on loopback and a resolver that lies."""

import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import web

from certs.files import write
from certs.issue import openadr
from gateway.client.clock import SystemClock
from gateway.domain.errors import ConfigError, DeliveryError, TransportError
from gateway.transport.outward import KEPT, Call, Outward, outward_context, retry_after
from gateway.transport.targets import TargetRules, system_resolve
from tests.webhook_receiver import Got, Receiver

CLOCK = SystemClock()


@dataclass
class LyingResolver:
    """Answers each question from a script, and counts them."""

    answers: list[tuple[str, ...]]
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def rules(port: int, *networks: str) -> TargetRules:
    own = tuple(ip_network(text) for text in networks or ("127.0.0.1/32",))
    return TargetRules(ports=(port,), own=own)


async def reason(outward: Outward, url: str) -> str:
    with pytest.raises(TransportError) as found:
        await outward.call(Call(method="POST", url=url, headers={}, body=b"{}"))
    return found.value.reason


async def test_a_call_keeps_host_and_bytes_and_reads_the_beginning_of_the_answer() -> None:
    async with Receiver(answer=b"x" * 10_000).serve() as receiver:
        resolver = LyingResolver([("127.0.0.1",)])
        outward = Outward(CLOCK, rules(receiver.port), resolve=resolver)
        url = f"http://sched.site.example:{receiver.port}/hook?a=%2F"
        heard = await outward.call(
            Call(method="POST", url=url, headers={"X-A": "b"}, body=b'{"a":1}')
        )

    (got,) = receiver.got
    assert (heard.status, heard.body) == (200, b"x" * KEPT)
    assert got.headers["Host"] == f"sched.site.example:{receiver.port}"
    assert (got.path, got.body, got.headers["X-A"]) == ("/hook?a=%2F", b'{"a":1}', "b")
    assert "User-Agent" not in got.headers
    assert resolver.asked == [("sched.site.example", receiver.port)]


@pytest.mark.spec("reliability fault matrix, row 17")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_nothing_more(status: int) -> None:
    async with Receiver().serve() as trap, Receiver(status=status).serve() as receiver:
        receiver.headers = {"Location": f"http://127.0.0.1:{trap.port}/"}
        outward = Outward(CLOCK, TargetRules(ports=(receiver.port, trap.port), own=LOOPBACK))
        heard = await outward.call(
            Call(method="POST", url=f"http://127.0.0.1:{receiver.port}/", headers={})
        )

    assert heard.status == status
    assert trap.got == []


LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.spec("reliability fault matrix, row 17")
async def test_a_name_that_turns_to_loopback_the_second_time_is_refused_the_second_time() -> None:
    """The mutant that connects to an address resolved again would reach the trap at 127.0.0.2."""
    async with (
        Receiver().serve("127.0.0.1") as good,
        Receiver().serve("127.0.0.2", good.port) as trap,
    ):
        resolver = LyingResolver([("127.0.0.1",), ("127.0.0.2",)])
        outward = Outward(CLOCK, rules(good.port), resolve=resolver)
        url = f"http://sched.site.example:{good.port}/"
        heard = await outward.call(Call(method="POST", url=url, headers={}))
        assert heard.status == 200
        assert len(resolver.asked) == 1
        assert await reason(outward, url) == "FORBIDDEN_TARGET"
    assert (len(good.got), len(trap.got)) == (1, 0)


async def test_one_forbidden_address_among_several_refuses_the_call() -> None:
    async with Receiver().serve() as receiver:
        resolver = LyingResolver([("127.0.0.1", "169.254.169.254")])
        outward = Outward(CLOCK, rules(receiver.port), resolve=resolver)
        assert await reason(outward, f"http://h:{receiver.port}/") == "FORBIDDEN_TARGET"
    assert receiver.got == []


@pytest.mark.parametrize("host", ["0177.0.0.1", "127.1", "0x7f.1", "2130706433", "localhost", "127.0.0.1", "[::1]",
                                  "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]"])  # fmt: skip
async def test_loopback_is_refused_however_it_is_written(host: str) -> None:
    """Judged after resolution: the system's own resolver reads the odd ones as 127.0.0.1."""
    outward = Outward(CLOCK, TargetRules(ports=(9,)))
    assert await reason(outward, f"https://{host}:9/") in {"FORBIDDEN_TARGET", "NO_ADDRESS"}
    if not host.startswith("["):
        assert await system_resolve(host, 9)


@pytest.mark.parametrize("host", ["127.1", "2130706433"])
async def test_an_allowed_loopback_written_oddly_reaches_nothing_unjudged(host: str) -> None:
    async with Receiver().serve() as receiver:
        outward = Outward(CLOCK, rules(receiver.port))
        assert await reason(outward, f"http://{host}:{receiver.port}/") == "BROKEN"
    assert receiver.got == []


@pytest.fixture
def proxied() -> Iterator[None]:
    """Name a proxy in the environment where nobody listens."""
    names = ("http_proxy", "https_proxy", "no_proxy")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(
        http_proxy="http://127.0.0.1:1", https_proxy="http://127.0.0.1:1", no_proxy=""
    )
    yield
    for name in names:
        os.environ.pop(name)
    os.environ.update({name: value for name, value in before.items() if value is not None})


@pytest.mark.usefixtures("proxied")
async def test_the_environments_proxy_is_not_used() -> None:
    async with Receiver().serve() as receiver:
        outward = Outward(CLOCK, rules(receiver.port))
        url = f"http://127.0.0.1:{receiver.port}/"
        assert (await outward.call(Call(method="POST", url=url, headers={}))).status == 200


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """A port that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


async def test_an_answer_that_never_comes_ends_with_the_limit() -> None:
    async with silent() as port:
        outward = Outward(CLOCK, rules(port), total_s=0.2)
        assert await reason(outward, f"http://127.0.0.1:{port}/") == "TIMEOUT"


async def test_nobody_there_and_no_such_name_are_told_apart() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert await reason(Outward(CLOCK, rules(port)), f"http://127.0.0.1:{port}/") == "CONNECT"
    assert await reason(Outward(CLOCK, TargetRules()), "https://no.such.invalid/") == "NO_ADDRESS"


async def test_a_look_right_before_the_first_byte_can_still_say_no() -> None:
    """The connection stands, nothing was written, and it is closed again (R-OUT-1)."""

    async def look() -> None:
        raise DeliveryError("OVERTAKEN", "a newer revision is there")

    async with Receiver().serve() as receiver:
        outward = Outward(CLOCK, rules(receiver.port))
        url = f"http://127.0.0.1:{receiver.port}/"
        with pytest.raises(DeliveryError):
            await outward.call(Call(method="POST", url=url, headers={}), look)
        looked: list[int] = []

        async def note() -> None:
            looked.append(len(receiver.got))

        assert (await outward.call(Call(method="POST", url=url, headers={}), note)).status == 200
    assert looked == [0]
    assert len(receiver.got) == 1


async def test_a_body_that_breaks_off_leaves_the_status() -> None:
    async def act(_: Got) -> web.StreamResponse:
        return web.Response(status=204, headers={"Retry-After": "7"})

    async with Receiver(act=act).serve() as receiver:
        outward = Outward(CLOCK, rules(receiver.port))
        url = f"http://127.0.0.1:{receiver.port}/"
        heard = await outward.call(Call(method="POST", url=url, headers={}))
    assert (heard.status, heard.body, heard.retry_after) == (204, b"", timedelta(seconds=7))


async def test_tls_is_verified_by_name_and_chain_against_the_checked_address(
    tmp_path: Path,
) -> None:
    pki = openadr("ecc", datetime(2025, 5, 3, tzinfo=UTC))
    write(pki.server("sched.site.example"), tmp_path, "server")
    (tmp_path / "root.pem").write_bytes(pki.anchor_pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    shown: list[str | None] = []
    server.sni_callback = lambda _, name, __: shown.append(name)
    resolver = LyingResolver([("127.0.0.1",)])
    async with Receiver(tls=server).serve() as receiver:
        known = Outward(
            CLOCK,
            rules(receiver.port),
            tls=outward_context(tmp_path / "root.pem"),
            resolve=resolver,
        )
        url = f"https://sched.site.example:{receiver.port}/"
        assert (await known.call(Call(method="POST", url=url, headers={}))).status == 200
        other = f"https://other.site.example:{receiver.port}/"
        assert await reason(known, other) == "TLS"
        unknown = Outward(CLOCK, rules(receiver.port), resolve=resolver)
        assert await reason(unknown, url) == "TLS"
    assert shown[0] == "sched.site.example"
    assert len(receiver.got) == 1


def test_anchors_that_are_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no trust anchors"):
        outward_context(tmp_path / "none.pem")


@pytest.mark.spec("RFC 9110, section 10.2.3")
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None), ("", None), ("5", 5), ("0", 0), ("999999999999999", 3600), ("-1", None), ("soon", None),
        ("Sat, 03 May 2025 23:00:30 GMT", 30), ("Sat, 03 May 2025 22:00:00 GMT", 0),
        ("Sun, 04 May 2025 23:00:00 GMT", 3600),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_both_forms_and_bounded(
    text: str | None, seconds: int | None
) -> None:
    found = retry_after(text, datetime(2025, 5, 3, 23, tzinfo=UTC))
    assert found == (None if seconds is None else timedelta(seconds=seconds))
