"""``gridgate`` as an operator types it: output, files, exit codes; never a traceback."""

import fcntl
import json
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.config.load import load
from gateway.protocols.oadr2b.account import account
from gateway.protocols.xml import leaves
from tests.cli_world import CONFIG, delivered, filled, installation


@dataclass(frozen=True)
class Said:
    """What a command printed and returned."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """Types commands for one installation."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    @property
    def store(self) -> Path:
        return self.folder / "data" / "gridgate.db"

    def __call__(self, *words: str, config: bool = True) -> Said:
        given: Sequence[str] = (*words, "-c", str(self.config)) if config else words
        result = CliRunner().invoke(app, list(given))
        failed = result.exception
        assert failed is None or isinstance(failed, SystemExit), result.output
        return Said(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    filled(installation(folder))
    return folder


@pytest.fixture
def fresh(tmp_path: Path) -> Shell:
    """An installation that was never started."""
    installation(tmp_path)
    return Shell(tmp_path)


@pytest.fixture
def shell(tmp_path: Path, _filled: Path) -> Shell:
    """An installation whose store holds two events, an intent, a plan and a statement."""
    folder = tmp_path / "filled"
    shutil.copytree(_filled, folder)
    return Shell(folder)


# --- tokens


def test_a_token_is_printed_alone_and_once(fresh: Shell) -> None:
    made = fresh("token", "create", "sched", "--site", "phx-1")

    assert made.code == 0
    assert made.out.startswith("ggtest~")
    assert len(made.out.strip().split("~")[-1]) == 43
    assert made.out.count("\n") == 1
    assert "not shown again" in made.err
    for command in (("token", "list"), ("token", "list", "--json")):
        assert made.out.strip() not in fresh(*command).out
    assert made.out.strip().encode() not in fresh.store.read_bytes()


def test_a_token_can_go_to_a_file_of_its_own(fresh: Shell) -> None:
    out = fresh.folder / "site.token"

    made = fresh("token", "create", "sched", "--site", "phx-1", "--out", str(out))
    again = fresh("token", "create", "other", "--site", "phx-1", "--out", str(out))

    assert (made.code, made.out) == (0, "")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert len(out.read_text().split("~")[-1]) == 43
    assert again.code == 2
    assert "nothing is overwritten" in again.err
    assert [t["name"] for t in json.loads(fresh("token", "list", "--json").out)["tokens"]] == [
        "sched"
    ]


def test_a_token_that_was_not_made_leaves_no_file(fresh: Shell) -> None:
    assert fresh("token", "create", "a", "--site", "phx-1").code == 0
    out = fresh.folder / "second.token"

    refused = fresh("token", "create", "a", "--site", "phx-1", "--out", str(out))

    assert refused.code == 1
    assert not out.exists()


def test_tokens_are_listed_and_revoked_by_name(fresh: Shell) -> None:
    fresh("token", "create", "a", "--site", "phx-1")
    fresh("token", "create", "b", "--site", "phx-1", "--scopes", "events:read")

    assert fresh("token", "revoke", "a").code == 0
    listed = fresh("token", "list")
    found = json.loads(fresh("token", "list", "--json").out)["tokens"]

    assert [one["revoked_at"] is None for one in found] == [False, True]
    assert found[1]["scopes"] == ["events:read"]
    assert "revoked 20" in listed.out
    assert all(len(line) <= 80 for line in listed.out.splitlines())


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("create", "a", "--site", "phx-9"), 1, "it has phx-1"),
        (("create", "a", "--site", "phx-1", "--scopes", "x,events:read"), 2, "no such scope x"),
        (("create", "a", "--site", "phx-1", "--scopes", ""), 2, "no such scope"),
        (("create", "", "--site", "phx-1"), 2, "NAME: is empty"),
        (("create", "a\x1b[31m", "--site", "phx-1"), 2, "control characters"),
        (("create", "a" * 65, "--site", "phx-1"), 2, "64 characters"),
        (("create", "a", "--site", "phx-1", "--out", "/nowhere/at/all"), 2, "--out"),
        (("create", "a", "--site", "phx-1", "--out", "/"), 2, "--out"),
        (("revoke", "nobody"), 3, "no store"),
        (("revoke", "a\x00"), 1, "no token of that name"),
        (("list",), 3, "no store"),
    ],
)
def test_a_wrong_word_about_tokens_is_told_and_makes_nothing(
    fresh: Shell, words: tuple[str, ...], code: int, says: str
) -> None:
    said = fresh("token", *words)

    assert said.code == code
    assert says in said.err
    assert said.out == ""
    assert not fresh.store.exists()


def test_an_unknown_token_is_a_problem(shell: Shell) -> None:
    said = shell("token", "revoke", "nobody")

    assert said.code == 1
    assert "there is no token 'nobody'" in said.err


def test_a_store_that_another_process_writes_is_only_looked_at(shell: Shell) -> None:
    with open(f"{shell.store}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = shell("token", "create", "a", "--site", "phx-1")
        looked = [shell("token", "list"), shell("intents"), shell("plan", "phx-1")]

    assert made.code == 3
    assert "error[GG-6002]" in made.err
    assert [said.code for said in looked] == [0, 0, 0]


# --- intents and plan


def test_intents_fit_a_terminal(shell: Shell) -> None:
    said = shell("intents")

    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].startswith("TEST MODE")
    assert lines[2].split() == [
        "intent-1",
        "phx-1",
        "scheduled",
        "in",
        "2025-05-03",
        "16:30",
        "75",
        "ev-1",
    ]
    assert all(len(line) <= 80 for line in lines)


def test_intents_are_one_json_document(shell: Shell) -> None:
    said = shell("intents", "--json")

    found = json.loads(said.out)
    assert found["test_mode"] is True
    (one,) = found["intents"]
    assert (one["event_id"], one["opt"], one["version"]) == ("ev-1", "in", 0)
    assert one["intent"]["schema"] == "compute-flex/1"
    assert one["intent"]["asks"][0]["segments"][0]["resolved_import_max_kw"] == "75"


def test_a_plan_is_shown_as_published(shell: Shell) -> None:
    text, document = shell("plan", "phx-1"), shell("plan", "phx-1", "--json")

    assert (text.code, document.code) == (0, 0)
    assert "holds the last plan" in text.out
    assert all(len(line) <= 80 for line in text.out.splitlines())
    assert json.loads(document.out)["schema"] == "compute-flex-plan/1"


def test_a_plan_of_an_unknown_site_is_a_problem(shell: Shell) -> None:
    said = shell("plan", "phx-9")

    assert said.code == 1
    assert "it has phx-1" in said.err


# --- explain


def test_every_leaf_of_the_message_is_explained(shell: Shell) -> None:
    events, raw = delivered()

    (found,) = json.loads(shell("explain", "ev-1", "--json").out)["events"]

    everything = leaves(raw.body)
    assert [(leaf["path"], leaf["value"]) for leaf in found["leaves"]] == [
        (leaf.path, leaf.value) for leaf in everything
    ]
    counts = found["counts"]
    assert counts["leaves"] == len(everything)
    assert sum(counts.values()) == 2 * len(everything)
    assert counts["unmapped"] == len(events[0].unmapped) > 0
    assert counts["elsewhere"] == len(everything) - len(account(raw.body, events[0])) > 0
    assert found["intents"] == ["intent-1"]
    assert found["message"]["sha256"] == raw.sha256


def test_the_text_names_a_field_or_says_unmapped_for_each_leaf(shell: Shell) -> None:
    _, raw = delivered()

    lines = shell("explain", "ev-1").out.splitlines()

    fates = [line.removeprefix("    -> ") for line in lines if line.startswith("    -> ")]
    assert len(fates) == len(leaves(raw.body))
    assert "event_id" in fates
    assert "signals[s1].intervals[0].value" in fates
    assert any(fate.startswith("unmapped") for fate in fates)
    assert lines[-1] == f"{len(fates)} leaves: " + ", ".join(
        (
            f"{len([f for f in fates if ' ' not in f])} mapped",
            f"{len([f for f in fates if f.startswith('unmapped')])} unmapped",
            f"{len([f for f in fates if f.startswith('syntax')])} syntax",
            f"{len([f for f in fates if f.startswith('another')])} of other events",
        )
    )
    assert all(len(line) <= 80 for line in lines)


def test_an_intent_leads_to_its_event(shell: Shell) -> None:
    by_event, by_intent = shell("explain", "ev-1"), shell("explain", "intent-1")

    assert by_intent.code == 0
    assert by_intent.out == by_event.out


@pytest.mark.parametrize(
    "subject", ["ev-9", "", "intent", "ev-1 ", "\x1b[2J", "x" * 10_000, "GG-1"]
)
def test_an_unknown_subject_is_a_problem(shell: Shell, subject: str) -> None:
    said = shell("explain", subject)

    assert said.code == 1
    assert "error[GG-4041]" in said.err
    assert "\x1b" not in said.err


# --- evidence


def test_an_exported_bundle_verifies(shell: Shell) -> None:
    out = shell.folder / "bundle.zip"

    exported = shell("evidence", "export", "st-1", "-o", str(out))
    log_id = exported.out.split("--log-id ")[1].strip()
    verified = shell("evidence", "verify", str(out), "--log-id", log_id, config=False)

    assert exported.code == 0
    assert verified.code == 0
    assert verified.out.startswith("VERIFIED")
    assert sorted(os.listdir(shell.folder)) == sorted(
        [
            "bundle.zip",
            "data",
            "gateway.toml",
            "root.pem",
            "server.key",
            "server.pem",
            "ven.key",
            "ven.pem",
        ]
    )


def test_an_export_overwrites_nothing(shell: Shell) -> None:
    out = shell.folder / "bundle.zip"
    out.write_bytes(b"precious")

    said = shell("evidence", "export", "st-1", "-o", str(out))

    assert said.code == 1
    assert "nothing is overwritten" in said.err
    assert out.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("statement", "out", "code", "says"),
    [
        ("st-9", "b.zip", 1, "the latest are: st-1"),
        ("", "b.zip", 1, "there is no statement"),
        ("\x1b[2J", "b.zip", 1, "there is no statement"),
        ("st-1", "nowhere/b.zip", 2, "--out"),
        ("st-1", ".", 1, "choose another name"),
        ("st-1", "ven.pem/b.zip", 2, "--out"),
        ("st-1", "a" * 300, 2, "--out"),
    ],
)
def test_a_failed_export_leaves_nothing_behind(
    shell: Shell, statement: str, out: str, code: int, says: str
) -> None:
    before = sorted(os.listdir(shell.folder))

    said = shell("evidence", "export", statement, "-o", str(shell.folder / out))

    assert said.code == code
    assert says in said.err
    assert sorted(os.listdir(shell.folder)) == before


@pytest.mark.parametrize(
    ("content", "code"), [(b"", 2), (b"PK", 2), (b"no zip at all" * 100, 2), (None, 2)]
)
def test_what_is_no_bundle_is_malformed(tmp_path: Path, content: bytes | None, code: int) -> None:
    bundle = tmp_path / "bundle"
    if content is not None:
        bundle.write_bytes(content)

    said = Shell(tmp_path)("evidence", "verify", str(bundle), config=False)

    assert said.code == code
    assert said.out.startswith("MALFORMED")


def test_an_empty_folder_is_no_bundle(tmp_path: Path) -> None:
    said = Shell(tmp_path)("evidence", "verify", str(tmp_path), config=False)

    assert said.code in {2, 3}
    assert said.out


# --- configuration


def test_show_prints_every_default_and_no_secret(fresh: Shell) -> None:
    fresh("token", "create", "a", "--site", "phx-1")
    said = fresh("config", "show", str(fresh.config), config=False)

    found = json.loads(said.out)
    assert said.code == 0
    assert found["southbound"]["lease_s"] == 60
    assert found["utility"][0]["ven_name"] == "phx"
    assert found["utility"][0]["poll_period"] == "PT10S"
    assert found["site"][0]["contracted_import_kw"] == "120"
    for secret in (fresh.folder / "ven.key", fresh.folder / "server.key"):
        assert secret.read_text().splitlines()[1] not in said.out


def test_check_lists_every_fault_and_ends_with_their_number(fresh: Shell) -> None:
    fresh.config.write_text(CONFIG.replace("port = 0", "port = -1\nprot = 1"))

    said = fresh("config", "check", str(fresh.config), config=False)

    assert said.code == 2
    lines = said.err.splitlines()
    assert lines[0] == "error[GG-1004]: southbound.port: must be 0 or more"
    assert lines[1] == f"  --> {fresh.config}:7  [southbound] port"
    assert lines[5:] == [
        "error[GG-1002]: southbound.prot: no such key here",
        f"  --> {fresh.config}:8  [southbound] prot",
        "  why: Unknown keys are refused, so that a misspelt limit is not silently a default.",
        "  fix: did you mean port?",
        "  more: gridgate explain GG-1002",
        "2 fault(s); nothing was done",
    ]


VERBS = [
    ("token", "list"),
    ("token", "create", "n", "--site", "phx-1"),
    ("token", "revoke", "n"),
    ("intents",),
    ("plan", "phx-1"),
    ("explain", "ev-1"),
    ("evidence", "export", "st-1", "-o", "out.zip"),
    ("run",),
]
"""Every verb that opens a store."""


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: "-".join(verb[:2]))
def test_no_verb_works_with_a_faulty_configuration(fresh: Shell, verb: tuple[str, ...]) -> None:
    fresh.config.write_text("port = 0")
    assert fresh(*verb).code == 2
    fresh.config.unlink()
    assert fresh(*verb).code == 2
    fresh.config.mkdir()
    assert fresh(*verb).code == 2
    assert not (fresh.folder / "data").exists()


def _text(store: Path) -> None:
    store.write_text("this is text, and no database at all " * 100)


def _cut(store: Path) -> None:
    os.truncate(store, 20_000)


def _newer(store: Path) -> None:
    with sqlite3.connect(store) as database:
        database.execute("UPDATE store_version SET version_num = '9999'")
    database.close()


def _folder(store: Path) -> None:
    store.unlink()
    store.mkdir()


@pytest.mark.parametrize("spoil", [_text, _cut, _newer, _folder])
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: "-".join(verb[:2]))
def test_a_store_that_cannot_be_used_is_told_in_one_line(
    shell: Shell, verb: tuple[str, ...], spoil: Callable[[Path], None]
) -> None:
    spoil(shell.store)
    out = shell.folder / "out.zip"
    words = tuple(str(out) if word == "out.zip" else word for word in verb)

    said = shell(*words)

    assert said.code == 3
    assert said.err.count("error[") == 1
    assert not out.exists()


def test_keys_that_others_can_read_are_not_used(shell: Shell) -> None:
    for key in (shell.folder / "data" / "keys").iterdir():
        key.chmod(0o644)

    said = shell("evidence", "export", "st-1", "-o", str(shell.folder / "b.zip"))

    assert said.code == 2
    assert "chmod 600" in said.err


def test_a_damaged_key_is_told(shell: Shell) -> None:
    (shell.folder / "data" / "keys" / "evidence-log.key").write_bytes(b"short")

    said = shell("evidence", "export", "st-1", "-o", str(shell.folder / "b.zip"))

    assert said.code == 2
    assert "restore it from the backup" in said.err


def test_looking_at_a_gateway_that_was_never_started_makes_no_key(fresh: Shell) -> None:
    fresh("token", "create", "a", "--site", "phx-1")

    said = fresh("evidence", "export", "st-1", "-o", str(fresh.folder / "b.zip"))

    assert said.code == 2
    assert "start it once" in said.err
    assert not (fresh.folder / "data" / "keys" / "installation.key").exists()


def test_a_configured_data_dir_that_cannot_be_made_is_told(fresh: Shell) -> None:
    fresh.config.write_text(CONFIG.replace('"data"', '"ven.pem/data"'))

    for verb in VERBS:
        said = fresh(*verb)
        assert said.code == 2, verb
        assert "data_dir" in said.err


def test_the_installation_is_one_that_the_loader_accepts(fresh: Shell) -> None:
    assert load(fresh.config, open_files=True).folder == fresh.folder.resolve()


# --- the command line itself


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("intents",),
        ("intents", "--nonsense"),
        ("plan",),
        ("token", "create"),
        ("token", "creat"),
        ("run", "--clock-factor", "fast"),
        ("evidence", "export", "st-1"),
    ],
)
def test_wrong_use_ends_with_two(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, list(words))

    assert result.exit_code == 2
    assert "Error" in result.stderr
