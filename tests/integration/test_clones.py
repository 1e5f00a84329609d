"""Two gateways on copies of one store: one of them stops, says why, and stays stopped (fault matrix row 15)."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.app.fencing import Fencing
from gateway.client import Notice, Site, SiteOptions
from gateway.client.clock import SystemClock
from gateway.client.notebook import Notebook
from gateway.database.host_lock import HostLock
from gateway.domain.errors import FencedError, StoreError
from gateway.domain.fence import Fence, fence_text
from gateway.store.backup import back_up, restore
from gateway.store.open import open_store
from gateway.store.sqlite_store import SqliteStore
from tests.cli_world import installation
from tests.fakes import CountedIds
from tests.forked import ran
from tests.store_processes import url
from tests.store_samples import timer

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0
BEAT = timedelta(seconds=2)


@dataclass
class Clone:
    """A gateway in a process of its own."""

    config: Path
    process: asyncio.subprocess.Process
    port: int

    async def ended(self) -> tuple[int, str]:
        """Wait for its end; return exit code and what it said."""
        assert self.process.stderr is not None
        said = await self.process.stderr.read()
        return await self.process.wait(), said.decode()


@asynccontextmanager
async def clone(config: Path) -> AsyncIterator[Clone]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.clone_child",
        str(config),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode().strip()
        assert line, (await process.communicate())[1].decode()
        yield Clone(config, process, int(line.rpartition(":")[2]))
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@dataclass
class Switch:
    """One address with two gateways behind it: every connection goes to the next one in turn, while both live."""

    ports: list[int]
    taken: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.taken += 1
        for _ in self.ports:
            port = self.ports[self.taken % len(self.ports)]
            with suppress(ConnectionError):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))
                break
            self.taken += 1
        writer.close()
        self._writers.discard(writer)

    def cut(self) -> None:
        for writer in self._writers:
            writer.close()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def address(*ports: int) -> AsyncIterator[tuple[Switch, int]]:
    switch = Switch(list(ports))
    server = await asyncio.start_server(switch.serve, "127.0.0.1", 0)
    try:
        yield switch, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        switch.cut()


def gridgate(*words: str) -> "subprocess.CompletedProcess[str]":
    return ran("gateway", *words)


async def called(*words: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(gridgate, *words)


def installed_twice(folder: Path) -> tuple[Path, Path, str]:
    """Return two installations on copies of one store, never started since, and a token for both."""
    folder.mkdir()
    one = installation(folder)
    made = gridgate("token", "create", "sched", "--site", "phx-1", "-c", str(one))
    assert made.returncode == 0, made.stderr
    return one, folder.with_name("copy") / one.name, made.stdout.strip()


def copy(one: Path, two: Path) -> None:
    shutil.copytree(one.parent, two.parent, ignore=shutil.ignore_patterns("*.sock"))


@pytest.mark.slow
@pytest.mark.parametrize("copied", ["before its start", "while it runs"])
async def test_one_of_two_gateways_on_copies_stops_within_30_s_and_says_why(
    tmp_path: Path, copied: str
) -> None:
    """Mutants that this catches: no number in the answers, none repeated, a number heard and not heeded."""
    one, two, secret = await asyncio.to_thread(installed_twice, tmp_path / "one")
    notices: list[Notice] = []
    if copied == "before its start":
        async with clone(one):  # the keys are made at the first start
            pass
        await asyncio.to_thread(copy, one, two)
    async with clone(one) as first:
        if copied != "before its start":
            await asyncio.to_thread(copy, one, two)
        async with clone(two) as second, address(first.port, second.port) as (_, port):
            site = Site(
                f"http://127.0.0.1:{port}/v1",
                site="phx-1",
                token=secret,
                on_notice=notices.append,
                options=SiteOptions(
                    heartbeat_s=BEAT.total_seconds(), back_off_s=0.2, back_off_cap_s=1
                ),
            )
            async with site:
                ends = {asyncio.ensure_future(each.ended()): each for each in (first, second)}
                done, waiting = await asyncio.wait(
                    ends, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
                )
                assert len(done) == 1, "both gateways go on"
                (ending,) = done
                code, said = ending.result()
                stopped, stays = ends[ending], next(ends[one] for one in waiting)
                await site.clock.sleep_until(site.clock.now() + 2 * BEAT)
                assert not site.lease_lost
                assert stays.process.returncode is None
            again = await called("run", "-c", str(stopped.config))
            token = await called(
                "token", "create", "x", "--site", "phx-1", "-c", str(stopped.config)
            )
            for one_more in waiting:
                one_more.cancel()

    assert code == 1
    assert "error[GG-6051]" in said
    (alarm,) = [line for line in json_lines(said) if line["event"] == "gateway_fenced"]
    assert alarm["alarm"] is True
    if copied == "while it runs":
        assert stopped is first, "the later start goes on"
    assert again.returncode == 1, again.stderr
    assert "error[GG-6051]" in again.stderr
    assert "gridgate store restore" in again.stderr
    assert token.returncode == 1
    assert not notices


def json_lines(said: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


# --- on one machine


async def test_a_second_gateway_of_this_machine_finds_the_first_at_once(tmp_path: Path) -> None:
    one, two, _ = await asyncio.to_thread(installed_twice, tmp_path / "one")
    async with clone(one):
        pass
    await asyncio.to_thread(copy, one, two)
    async with await opened(one.parent / "data" / "gridgate.db") as store:
        lock = HostLock(store.identity.store_id)
    lock.acquire()
    try:
        said = await called("run", "-c", str(two))
    finally:
        lock.release()

    assert said.returncode == 1, said.stderr
    assert "error[GG-6052]" in said.stderr
    assert f"process {os.getpid()} " in said.stderr


def test_the_lock_of_a_machine_ends_with_its_holder() -> None:
    first, second, other = HostLock("a-store"), HostLock("a-store"), HostLock("another-store")
    first.acquire()
    other.acquire()
    other.release()
    with pytest.raises(FencedError, match="CLONE_RUNNING"):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()


# --- a store that was fenced off

BY = Fence(store_id="other", epoch=1, start=9, instance="theirs")


async def opened(path: Path) -> SqliteStore:
    return await open_store(url(path), ids=CountedIds())


async def test_every_start_is_counted_and_has_an_instance(tmp_path: Path) -> None:
    found = []
    for instance in ("a", "b"):
        async with await opened(tmp_path / "s.db") as store:
            await store.begin_start(instance)
            found.append((store.identity.start, store.identity.instance))
    assert found == [(1, "a"), (2, "b")]


async def test_a_store_that_was_fenced_off_refuses_every_write_over_restarts(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.db"
    async with await opened(path) as store:
        waiting = [
            asyncio.ensure_future(store.write(lambda work, n=n: work.timers.set(timer(f"k:{n}"))))  # type: ignore[misc]  # bound now
            for n in range(3)
        ]
        await store.fence_off(BY)
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        with pytest.raises(FencedError, match="FENCED"):
            await store.write(lambda work: work.timers.set(timer()))
    async with await opened(path) as store:
        with pytest.raises(FencedError, match="start 9"):
            await store.begin_start("mine")
        with pytest.raises(StoreError):
            await store.write(lambda work: work.timers.set(timer()))
        assert await store.read(lambda work: work.timers.next_due()) is None

    assert all(isinstance(outcome, FencedError) for outcome in outcomes)


async def test_the_way_out_is_a_restore_above_everything_heard_of(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with await opened(path) as store:
        await store.fence_off(Fence(store_id="x", epoch=6, start=2, instance="theirs"))
        await back_up(store, tmp_path / "copy.db")

    restore(tmp_path / "copy.db", url(path))

    async with await opened(path) as store:
        begun = await store.begin_start("mine")
        assert (begun.epoch, begun.fenced_by, begun.recovering) == (7, "", True)
        await store.write(lambda work: work.timers.set(timer()))
        await store.end_recovery()
    async with await opened(path) as store:
        assert store.identity.recovering is False


# --- what a gateway makes of what it hears

KEY = bytes(range(32))


@dataclass
class Watched:
    """A store with a counted start, the watch on it, and whether it was stopped."""

    store: SqliteStore
    fencing: Fencing
    stops: list[str]

    def number(self, **more: Any) -> Fence:
        return replace(self.fencing.own, **more)


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Watched]:
    async with await opened(folder / "s.db") as store:
        await store.begin_start("mine")
        stops: list[str] = []
        yield Watched(
            store, Fencing(store, KEY, SystemClock(), lambda: stops.append("stop")), stops
        )


async def test_only_a_higher_number_of_this_store_under_this_key_stops_a_gateway(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path) as one:
        for told in (
            "",
            "nonsense",
            one.fencing.text,
            fence_text(bytes(32), one.number(start=9)),
            fence_text(KEY, one.number(store_id="another", start=9)),
            fence_text(KEY, one.number(instance="a")),
            one.fencing.text.replace(":1:1:", ":1:9:"),
            ", ".join([fence_text(KEY, one.number(start=9))] * 20),
        ):
            one.fencing.heard(told)
            assert not one.fencing.stopped
        one.fencing.heard(f"nonsense, {fence_text(KEY, one.number(start=2, instance='a'))}")

        assert one.stops == ["stop"]
        assert one.fencing.stopped
        with pytest.raises(FencedError, match="FENCED"):
            await one.fencing.run()
        with pytest.raises(FencedError, match="FENCED"):
            await one.store.write(lambda work: work.timers.set(timer()))


async def test_after_a_restore_a_higher_number_raises_the_epoch_instead(tmp_path: Path) -> None:
    async with watched(tmp_path) as one:
        await one.store.raise_epoch()
        running = asyncio.ensure_future(one.fencing.run())
        one.fencing.heard(fence_text(KEY, one.number(epoch=4, start=7)))
        await SystemClock().sleep_until(SystemClock().now() + timedelta(seconds=0.2))
        raised = one.fencing.own
        await one.store.end_recovery()
        one.fencing.heard(fence_text(KEY, one.number(epoch=9)))
        with pytest.raises(FencedError):
            await running

    assert raised.epoch == 5


# --- what a site makes of it


def test_a_site_follows_the_higher_number_and_keeps_it_over_a_restart(tmp_path: Path) -> None:
    low, high, other = (
        fence_text(KEY, Fence(store_id=store, epoch=1, start=start, instance="i"))
        for store, start in (("s", 1), ("s", 2), ("t", 1))
    )
    notebook = Notebook(tmp_path / "cursor")

    assert notebook.fences.take(low)
    assert notebook.fences.take("")
    assert notebook.fences.take(high)
    assert not notebook.fences.take(low)
    assert notebook.fences.take(other)
    assert notebook.fences.overtaken(low)
    assert not notebook.fences.overtaken(high)
    notebook.save()

    again = Notebook(tmp_path / "cursor").fences
    assert not again.take(low)
    assert again.header == {"Gridgate-Fence": f"{high}, {other}"}
