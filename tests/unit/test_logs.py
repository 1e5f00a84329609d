"""What the gateway logs: one line a fact, nothing secret, nothing that a terminal would obey."""

import errno
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog

from gateway.observability.logs import LossyLog, set_up

NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    yield
    structlog.reset_defaults()


def logged(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_line_is_one_json_object_with_the_clocks_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up(lambda: NOW, as_json=True)

    structlog.get_logger().info("event_accepted", utility="azp", version=1)

    (line,) = logged(capsys)
    assert json.loads(line) == {
        "event": "event_accepted",
        "level": "info",
        "at": "2026-03-08T12:00:00Z",
        "utility": "azp",
        "version": 1,
    }


@pytest.mark.parametrize("name", ["token", "api_key", "client_secret", "Authorization", "pin"])
def test_a_secret_is_never_written(capsys: pytest.CaptureFixture[str], name: str) -> None:
    set_up(lambda: NOW, as_json=True)

    structlog.get_logger().warning("refused", **{name: "s3cr3t-canary"})

    assert "canary" not in logged(capsys)[0]


def test_a_peers_text_forges_no_line_and_moves_no_cursor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up(lambda: NOW, as_json=False)

    structlog.get_logger().info("refused", why="x\n2026 error all is lost\x1b[2J")

    (line,) = logged(capsys)
    assert "\x1b" not in line


def test_in_test_mode_every_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(lambda: NOW, as_json=False, test_mode=True)

    structlog.get_logger().info("started")

    assert "TEST" in logged(capsys)[0]


class FullDisk(io.StringIO):
    """Takes nothing while it is full."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_a_log_that_cannot_be_written_stops_nothing_and_says_so_later() -> None:
    disk = FullDisk()
    log = LossyLog(disk)
    log.info("one")
    log.error("two")
    disk.full = False
    log.info("three")
    log.info("four")
    assert disk.getvalue() == "log_lines_lost count=2\nthree\nfour\n"


def test_a_closed_stream_is_no_error() -> None:
    stream = io.StringIO()
    stream.close()
    LossyLog(stream).info("nobody hears this")
    assert stream.closed
