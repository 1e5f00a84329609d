"""``gridgate`` as a process of its own: help, signals, a gateway that runs, and the verbs beside it."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli_world import CONFIG, installation
from tests.effort import seconds_of_process
from tests.forked import ran

ROOT = Path(__file__).parents[2]
GRIDGATE = [sys.executable, "-m", "gateway"]
CERTS = [sys.executable, "-m", "certs.cli"]


def gridgate(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*GRIDGATE, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )


@dataclass
class Running:
    """A gateway in a process of its own."""

    process: "subprocess.Popen[str]"
    config: str
    lines: list[Mapping[str, object]]

    def ended(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        code = self.process.wait(timeout=30)
        assert self.process.stderr is not None
        self.lines += [json.loads(line) for line in self.process.stderr]
        return code


@contextmanager
def gateway(config: Path) -> Iterator[Running]:
    with subprocess.Popen(
        [*GRIDGATE, "run", "-c", str(config)], stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            assert process.stderr is not None
            lines: list[Mapping[str, object]] = []
            for line in process.stderr:
                lines.append(json.loads(line))
                if lines[-1]["event"] == "gateway_started":
                    break
            yield Running(process, str(config), lines)
        finally:
            if process.poll() is None:
                process.kill()


# --- help


def test_help_fits_one_screen_of_80_columns_with_one_line_per_verb() -> None:
    said = gridgate("--help", COLUMNS="80")

    lines = said.stdout.splitlines()
    assert said.returncode == 0
    assert len(lines) <= 32
    assert all(len(line) <= 80 for line in lines)
    commands = lines[lines.index("Commands:") + 1 :]
    verbs = [line for line in commands[: commands.index("")] if re.match(r"  \S+\s+\S", line)]
    assert len(verbs) == len(commands[: commands.index("")])
    assert "Exit codes: 0 ok" in said.stdout


@pytest.mark.parametrize(
    "verb", ["run", "token", "config", "evidence", "demo", "intents", "plan", "explain"]
)
def test_the_help_of_every_verb_tells_the_exit_codes(verb: str) -> None:
    words = (
        (verb, "--help")
        if verb not in {"evidence", "token"}
        else (verb, "export" if verb == "evidence" else "list", "--help")
    )
    if verb in {"config", "demo"}:
        words = (verb, {"config": "check", "demo": "phoenix"}[verb], "--help")

    said = gridgate(*words)

    assert said.returncode == 0
    assert "Exit codes: 0 ok" in said.stdout


def test_help_loads_nothing_that_a_verb_needs() -> None:
    code = "import sys, gateway.cli.main; print(*sys.modules)"

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )

    heavy = {
        "aiohttp",
        "sqlalchemy",
        "pydantic",
        "lxml",
        "cryptography",
        "structlog",
        "rich",
        "asyncio",
    }
    assert heavy & set(said.stdout.split()) == set()


@pytest.mark.slow
def test_help_costs_a_third_of_a_second_of_processor_time() -> None:
    assert seconds_of_process([*GRIDGATE, "--help"], ROOT, enough=0.3) <= 0.3


def test_nothing_is_coloured_even_on_a_terminal(tmp_path: Path) -> None:
    config = installation(tmp_path)
    for words in (["--help"], ["token", "creat"], ["config", "check", str(config)]):
        for more in ({}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}):
            primary, secondary = pty.openpty()
            with subprocess.Popen(
                [*GRIDGATE, *words],
                stdout=secondary,
                stderr=secondary,
                cwd=ROOT,
                env={**os.environ, **more},
            ) as process:
                process.wait(timeout=30)
            os.close(secondary)
            said = os.read(primary, 1 << 16)
            os.close(primary)
            assert said
            assert b"\x1b" not in said


# --- test certificates


def test_test_certificates_need_test_mode(tmp_path: Path) -> None:
    """The certificates are those that ``gridgate-certs`` hands out."""
    made = subprocess.run(
        [*CERTS, "init", str(tmp_path / "certs"), "--profile", "openadr-ecc"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert made.returncode == 0, made.stderr
    text = (
        CONFIG.replace('"ven.pem"', '"certs/ven/ven-1.pem"')
        .replace('"ven.key"', '"certs/ven/ven-1.key"')
        .replace('"root.pem"', '"certs/anchor.pem"')
    )
    config = tmp_path / "gateway.toml"
    config.write_text(text)
    with gateway(config) as rehearsal:
        assert rehearsal.ended(signal.SIGTERM) == 4
    config.write_text(text.replace("test_mode = true", "test_mode = false"))

    said = gridgate("run", "-c", str(config))

    assert said.returncode == 2
    assert "certs/ven/ven-1.pem is a test certificate" in said.stderr
    assert "[gateway] test_mode" in said.stderr
    assert "Traceback" not in said.stderr


# --- a gateway that runs


@pytest.mark.slow
def test_tokens_are_handled_while_the_gateway_runs(tmp_path: Path) -> None:
    config = installation(tmp_path)
    given = ("-c", str(config))
    assert gridgate("token", "create", "before", "--site", "phx-1", *given).returncode == 0

    with gateway(config) as running:
        made = ran("gateway", "token", "create", "during", "--site", "phx-1", *given)
        taken = ran("gateway", "token", "create", "before", "--site", "phx-1", *given)
        elsewhere = ran("gateway", "token", "create", "x", "--site", "phx-9", *given)
        revoked = ran("gateway", "token", "revoke", "before", *given)
        unknown = ran("gateway", "token", "revoke", "x", *given)
        listed = ran("gateway", "token", "list", "--json", *given)
        looked = [ran("gateway", "intents", *given), ran("gateway", "explain", "x", *given)]
        second = gridgate("run", *given)
        code = running.ended(signal.SIGINT)

    assert (made.returncode, len(made.stdout.strip().split("~")[-1])) == (0, 43)
    assert [taken.returncode, elsewhere.returncode, unknown.returncode] == [1, 1, 1]
    assert "error[GG-4092]" in taken.stderr
    assert revoked.returncode == 0
    found = {one["name"]: one["revoked_at"] for one in json.loads(listed.stdout)["tokens"]}
    assert found["during"] is None
    assert found["before"] is not None
    assert [said.returncode for said in looked] == [0, 1]
    assert second.returncode == 3
    assert "error[GG-6002]" in second.stderr
    assert code == 4
    assert not (tmp_path / "data" / "control.sock").exists()
    words = [line["event"] for line in running.lines]
    assert words.count("token_created") == 1
    assert words.count("token_revoked") == 1
    assert all(line["mode"] == "TEST" for line in running.lines)
    assert made.stdout.strip() not in str(running.lines)
    assert json.loads(ran("gateway", "token", "list", "--json", *given).stdout)["tokens"]


@pytest.mark.slow
def test_after_a_kill_tokens_are_handled_on_the_store_and_the_gateway_starts_again(
    tmp_path: Path,
) -> None:
    config = installation(tmp_path)
    given = ("-c", str(config))
    with gateway(config) as running:
        assert running.ended(signal.SIGKILL) == -signal.SIGKILL
    assert (tmp_path / "data" / "control.sock").is_socket()

    made = ran("gateway", "token", "create", "after", "--site", "phx-1", *given)
    with gateway(config) as again:
        listed = ran("gateway", "token", "list", *given)
        again.ended(signal.SIGTERM)

    assert made.returncode == 0
    assert "after" in listed.stdout


def test_a_port_in_use_is_told_with_the_fix(tmp_path: Path) -> None:
    config = installation(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config.write_text(CONFIG.replace("port = 0", f"port = {port}"))

        said = gridgate("run", "-c", str(config))

    assert said.returncode == 2
    assert "[southbound]" in said.stderr
    assert "Traceback" not in said.stderr
    assert not (tmp_path / "data" / "control.sock").exists()


def test_a_reader_that_leaves_early_is_no_fault(tmp_path: Path) -> None:
    config = installation(tmp_path)
    with subprocess.Popen(
        [*GRIDGATE, "config", "show", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()

    assert b"Traceback" not in said


def test_an_interrupted_verb_ends_with_four_and_no_traceback(tmp_path: Path) -> None:
    pipe = tmp_path / "gateway.toml"
    os.mkfifo(pipe)
    with subprocess.Popen(
        # A shell ignores the signal for what it starts in the background, these tests perhaps among it.
        ["env", "--default-signal=INT", *GRIDGATE, "config", "check", str(pipe)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        writer = os.open(pipe, os.O_WRONLY)  # returns once the verb has begun to read
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=30)
        os.close(writer)
        assert process.stderr is not None
        said = process.stderr.read()

    assert code == 4
    assert said == "interrupted\n"
