"""``gridgate support-bundle``: what is inside is said first, whole or not at all, for its owner alone."""

import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.app.support import Member, gather, packed
from gateway.cli.main import app
from gateway.config.load import load
from gateway.domain.errors import MisuseError
from tests.cli_world import filled, installation

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    made = installation(tmp_path)
    filled(made)
    return made


def gridgate(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.stdout, result.stderr


def test_the_list_of_contents_is_what_is_inside(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle.tar.gz"

    code, said, _ = gridgate("support-bundle", "-c", str(config), "--out", str(out))

    assert code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    with tarfile.open(out) as archive:
        inside = [entry.name.partition("/")[2] for entry in archive.getmembers()]
        modes = {entry.mode for entry in archive.getmembers()}
    listed = said.split("\n\n")[0].splitlines()[1:]
    assert inside == [line.split()[0] for line in listed]
    assert inside[0] == "contents.json"
    assert modes == {0o600}
    assert max(map(len, said.splitlines()[:-1])) <= 80


def test_a_dry_run_writes_nothing(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle.tar.gz"

    code, said, _ = gridgate(
        "support-bundle", "-c", str(config), "--out", str(out), "--dry-run", "--json"
    )

    listed = json.loads(said)
    assert (code, listed["file"], out.exists()) == (0, None, False)
    assert {one["name"] for one in listed["files"]} >= {"config.json", "doctor.txt", "records.json"}


def test_a_file_that_is_there_is_never_overwritten(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle.tar.gz"
    out.write_text("mine")

    code, _, err = gridgate("support-bundle", "-c", str(config), "--out", str(out))

    assert (code, out.read_text()) == (1, "mine")
    assert err.startswith("error[GG-1023]: ")


async def test_a_secret_on_its_way_into_a_bundle_stops_it(config: Path) -> None:
    """The net under everything: whoever adds a file that holds a secret gets no bundle."""
    loaded = load(config)
    line = (config.parent / "ven.key").read_text().splitlines()[1]

    with pytest.raises(MisuseError) as stopped:
        await gather(loaded, NOW, {"checks": [{"text": f"the key is {line}"}]}, "")

    assert stopped.value.reason == "SECRET_IN_BUNDLE"
    assert "doctor.json" in stopped.value.detail
    assert line not in stopped.value.detail


async def test_records_are_told_without_readings(config: Path) -> None:
    members = {member.name: member for member in await gather(load(config), NOW, {}, "")}

    records = json.loads(members["records.json"].content)
    assert {"event", "intent", "opt"} <= {record["k"] for record in records}
    assert not {"telemetry", "vee", "baseline", "settlement"} & {r["k"] for r in records}
    assert b"kwh" not in members["records.json"].content


def test_the_same_files_make_the_same_bytes() -> None:
    members = [Member("a.txt", "a", b"1"), Member("b.txt", "b", b"2")]

    assert packed(members, "x", NOW) == packed(members, "x", NOW)
