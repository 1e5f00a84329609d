"""The operator's door of a running gateway, from both sides and from a hostile one."""

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway.app.control import SOCKET, Control
from gateway.app.control_client import running
from gateway.app.token_desk import NewToken, StoreDesk, TokenDocument
from gateway.client.clock import SystemClock
from gateway.domain.errors import (
    ConfigError,
    MisuseError,
    SessionError,
    StoreError,
    TransportError,
    WireError,
)
from gateway.southbound.tokens import SCOPES, accepted, token_digest
from tests.fakes import CountedIds
from tests.store_fakes import MemoryStore

WANTED = NewToken(name="sched", site="phx-1", scopes=SCOPES)


def desk(store: MemoryStore) -> StoreDesk:
    return StoreDesk(store, CountedIds(), SystemClock(), ("phx-1",))


@asynccontextmanager
async def gateway(folder: Path, store: MemoryStore | None = None) -> AsyncIterator[Control]:
    control = Control(folder, desk(store or MemoryStore()), SystemClock())
    await control.start()
    try:
        yield control
    finally:
        await control.stop()


async def test_a_token_is_made_listed_and_revoked_through_the_socket(tmp_path: Path) -> None:
    store = MemoryStore()
    async with gateway(tmp_path, store), running(tmp_path) as found:
        assert found is not None
        secret = await found.create(WANTED)
        (listed,) = await found.all()
        now = SystemClock().now()
        valid = await store.read(lambda work: accepted(work, token_digest(secret), now))
        await found.revoke("sched")
        (revoked,) = await found.all()
        later = await store.read(lambda work: accepted(work, token_digest(secret), now))

    assert valid is not None
    assert valid.site == "phx-1"
    assert (listed.name, listed.scopes, listed.revoked_at) == ("sched", SCOPES, None)
    assert revoked.revoked_at is not None
    assert later is None


async def test_a_listing_holds_neither_secret_nor_digest(tmp_path: Path) -> None:
    async with gateway(tmp_path), running(tmp_path) as found:
        assert found is not None
        secret = await found.create(WANTED)
        listed = await found.all()

    text = "".join(one.model_dump_json() for one in listed)
    assert secret not in text
    assert token_digest(secret) not in text


async def test_only_the_owner_can_open_the_socket_from_its_first_moment(tmp_path: Path) -> None:
    async with gateway(tmp_path) as control:
        mode = stat.S_IMODE(control.path.stat().st_mode)

    assert mode == 0o600
    assert not (tmp_path / SOCKET).exists()


async def test_refusals_come_back_as_the_errors_that_they_were(tmp_path: Path) -> None:
    async with gateway(tmp_path), running(tmp_path) as found:
        assert found is not None
        await found.create(WANTED)
        with pytest.raises(SessionError) as taken:
            await found.create(WANTED)
        with pytest.raises(SessionError) as elsewhere:
            await found.create(WANTED.model_copy(update={"name": "b", "site": "phx-9"}))
        with pytest.raises(SessionError) as scope:
            await found.create(WANTED.model_copy(update={"name": "b", "scopes": ("root",)}))
        with pytest.raises(SessionError) as unknown:
            await found.revoke("nobody")

    assert taken.value.reason == "CONFLICT"
    assert elsewhere.value.reason == "NOT_FOUND"
    assert "phx-1" in elsewhere.value.detail
    assert scope.value.reason == "SCOPE"
    assert unknown.value.reason == "NOT_FOUND"


class BrokenDesk:
    """A desk whose store or code fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def create(self, wanted: NewToken) -> str:
        raise self._error

    async def all(self) -> tuple[TokenDocument, ...]:
        raise self._error

    async def revoke(self, name: str) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StoreError("FULL", "the disk is full"), StoreError),
        (WireError("INVALID_TEXT", "no"), WireError),
        (MisuseError("BUG", "ours"), MisuseError),
        (ValueError("a bug"), TransportError),
    ],
)
async def test_a_failing_gateway_is_told_as_such(
    tmp_path: Path, error: Exception, kind: type[Exception]
) -> None:
    control = Control(tmp_path, BrokenDesk(error), SystemClock())
    await control.start()
    async with running(tmp_path) as found:
        assert found is not None
        with pytest.raises(kind):
            await found.all()
    await control.stop()


async def test_no_gateway_is_found_where_none_runs(tmp_path: Path) -> None:
    async with running(tmp_path) as found:
        assert found is None
    (tmp_path / SOCKET).write_text("no socket")
    async with running(tmp_path) as found:
        assert found is None


async def test_the_socket_of_a_killed_gateway_is_nobody_and_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(tmp_path / SOCKET))

    async with running(tmp_path) as found:
        assert found is None
    async with gateway(tmp_path), running(tmp_path) as found:
        assert found is not None
        assert await found.all() == ()


async def test_a_second_gateway_on_the_same_folder_does_not_take_the_door_away(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path):
        with pytest.raises(ConfigError, match="another gateway"):
            await Control(tmp_path, desk(MemoryStore()), SystemClock()).start()
        async with running(tmp_path) as found:
            assert found is not None


async def test_stopping_leaves_a_successors_socket_alone(tmp_path: Path) -> None:
    first = Control(tmp_path, desk(MemoryStore()), SystemClock())
    await first.start()
    first.path.unlink()
    async with gateway(tmp_path):
        await first.stop()
        async with running(tmp_path) as found:
            assert found is not None


async def test_too_deep_a_folder_leaves_the_gateway_without_the_door(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    control = Control(deep, desk(MemoryStore()), SystemClock())

    await control.start()
    assert not control.path.exists()
    await control.stop()

    async with running(deep) as found:
        assert found is None


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/tokens", b"", 400),
        ("/tokens", b"{", 400),
        ("/tokens", b"[]", 400),
        ("/tokens", b'{"name": "", "site": "phx-1", "scopes": []}', 400),
        ("/tokens", b'{"name": "a", "site": "phx-1", "scopes": [], "x": 1}', 400),
        ("/tokens", b'{"name": "a\\u0000", "site": "phx-1", "scopes": []}', 400),
        ("/tokens", b" " * (1 << 17), 400),
        ("/tokens/revoke", b'{"name": 7}', 400),
        ("/nothing", b"{}", 404),
        ("/tokens/../../etc", b"{}", 404),
    ],
)
async def test_nonsense_is_refused_and_the_door_stays_open(
    tmp_path: Path, path: str, body: bytes, status: int
) -> None:
    async with gateway(tmp_path) as control:
        connector = aiohttp.UnixConnector(str(control.path))
        async with aiohttp.ClientSession(connector=connector) as http:
            async with http.post(f"http://gateway{path}", data=body) as answer:
                text = await answer.text()
                assert answer.status == status
            if status == 400:
                assert set(json.loads(text)) == {"reason", "detail"}
        async with running(tmp_path) as found:
            assert found is not None
            assert await found.all() == ()


async def test_raw_bytes_that_are_no_request_do_not_hurt(tmp_path: Path) -> None:
    async with gateway(tmp_path) as control:
        reader, writer = await asyncio.open_unix_connection(control.path)
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        assert b"400" in await reader.readline()
        writer.close()
        await writer.wait_closed()
        async with running(tmp_path) as found:
            assert found is not None
            assert await found.all() == ()


async def test_a_door_that_answers_in_other_words_is_of_another_version(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nwelcome")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(answer, tmp_path / SOCKET)
    async with server, running(tmp_path) as found:
        assert found is not None
        with pytest.raises(TransportError) as caught:
            await found.all()

    assert caught.value.reason == "OTHER_VERSION"


async def test_a_door_that_breaks_off_is_told_so(tmp_path: Path) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(hang_up, tmp_path / SOCKET)
    async with server, running(tmp_path) as found:
        assert found is not None
        with pytest.raises(TransportError) as caught:
            await found.all()

    assert caught.value.reason == "BROKEN_OFF"
