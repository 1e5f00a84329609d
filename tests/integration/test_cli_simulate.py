"""``gridgate simulate``: the same code as in earnest, a store that ends with the process, and not a byte elsewhere."""

import hashlib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.app.simulated_message import Idea, written
from gateway.client.clock import SystemClock
from tests.cli_simulated import caps, document, listed, simulate
from tests.cli_world import CONFIG, filled, installation
from tests.oadr2b_world import CODEC, event, listing

LEVELS = '\n[program.levels]\n"1" = 0.9\n"2" = 0.75\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    made = installation(tmp_path)
    made.write_text(CONFIG + LEVELS)
    return made


def opts(found: dict[str, object]) -> list[tuple[str, str, str]]:
    return [(one["opt"], one["reason"], one["by"]) for one in listed(found, "told")]


def test_a_set_point_becomes_an_intent_a_plan_and_an_answer(config: Path) -> None:
    found = document(config, "event", "--cap-kw", "80")

    assert ("hold", "80") in caps(found)
    assert opts(found) == [("in", "simulated", "site:phx-1")]
    (one,) = listed(found, "intents")
    assert (one["opt_default"], one["held"]) == ("out", None)
    assert one["opt_by"] < one["intent"]["timing"]["start"]


def test_a_level_stands_on_the_consumption_that_is_assumed(config: Path) -> None:
    found = document(config, "event", "--level", "2", "--present-kw", "100")

    assert ("hold", "75") in caps(found)


def test_without_a_consumption_a_level_is_held_and_says_why(config: Path) -> None:
    code, said, _ = simulate(config, "event", "--level", "2")

    assert code == 0
    assert "held     " in said
    assert "utility  opt out (held, by gateway)" in said
    assert "hold" not in [phase for phase, _ in caps(document(config, "event", "--level", "2"))]


def test_a_late_cancel_lets_load_come_back_by_the_ramp(config: Path) -> None:
    found = document(config, "late-cancel", "--cap-kw", "80", "--after", "PT5M")

    assert ("hold", "80") in caps(found)
    after = caps(found, "plans_afterwards")
    assert after[0] == ("recovery", "86")
    assert after[-1] == ("normal", None)
    texts = [one["text"] for one in listed(found, "moments")]
    assert "cancelled ramping_out" in texts


def test_in_an_outage_the_silent_site_is_answered_for_at_the_deadline(config: Path) -> None:
    code, said, _ = simulate(config, "outage", "--cap-kw", "80")

    assert code == 0
    assert opts(document(config, "outage", "--cap-kw", "80")) == [("out", "default", "gateway")]
    assert "lease    site phx-1 holds the last plan when it hears no gateway for 60 s" in said


def test_what_cannot_be_followed_is_told_with_its_reason(config: Path) -> None:
    code, said, _ = simulate(config, "event", "--level", "7")

    assert code == 1
    assert "event simulated is opted out: INVALID_DATA: SIMPLE levels are 0, 1, 2 and 3" in said
    assert "utility  opt out, at once" in said


def test_a_message_of_the_utility_is_played_as_it_came(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "message.xml"
    now = SystemClock().now().replace(microsecond=0)
    idea = Idea(
        program="http://azp.example/fast-dr",
        start=now + timedelta(hours=1),
        duration=timedelta(hours=2),
        level=None,
        cap_kw=Decimal(90),
    )
    file.write_bytes(written(idea, now).replace(b">simulated<", b">ev-7<"))

    found = document(config, "event", "--message", str(file))

    assert [one["event_id"] for one in listed(found, "intents")] == ["ev-7"]
    assert ("hold", "90") in caps(found)


def test_a_message_for_another_program_is_told_to_be_nobodys(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "message.xml"
    file.write_bytes(CODEC.encode(listing(event("ev-7"))))

    code, said, _ = simulate(config, "event", "--message", str(file))

    assert code == 1
    assert "event ev-7 is opted out: TARGET_MISMATCH" in said


def test_events_that_are_under_way_count(tmp_path: Path) -> None:
    config = installation(tmp_path)
    filled(config)

    assert document(config, "event", "--cap-kw", "80")["copied_intents"] == 1


def test_nothing_is_written_anywhere(tmp_path: Path) -> None:
    """Not into the store, its files beside it, the keys, or a folder that was not there."""
    config = installation(tmp_path)
    filled(config)
    before = digests(tmp_path)

    for kind in ("event", "late-cancel", "outage"):
        document(config, kind, "--cap-kw", "80")

    assert digests(tmp_path) == before


def test_an_installation_that_was_never_started_gets_no_store(config: Path) -> None:
    document(config, "event", "--cap-kw", "80")

    assert not list(config.parent.rglob("*.db"))
    assert not list(config.parent.rglob("*.key")) or not (config.parent / "data" / "keys").exists()


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nothing",), "choose from event, late-cancel, outage"),
        (("event", "--cap-kw", "x"), "write kilowatts"),
        (("event", "--cap-kw", "8", "--level", "1"), "give one"),
        (("event", "--lasts", "1h"), "write it like PT15M"),
        (("event", "--answer", "maybe"), "write in, out or none"),
        (("event", "--program", "x"), "name one with --utility and --program"),
        (("event", "--message", "/nowhere"), "give the message that the utility sent"),
    ],
)
def test_wrong_use_is_told_with_a_fix(config: Path, words: tuple[str, ...], told: str) -> None:
    code, out, err = simulate(config, *words)

    assert (code, out) == (2, "")
    assert err.startswith("error[GG-1021]: ")
    assert told in err


def test_lines_fit_the_terminal_and_the_first_says_what_this_is(config: Path) -> None:
    _, said, _ = simulate(config, "late-cancel", "--level", "2", "--present-kw", "100")

    lines = said.splitlines()
    assert lines[0] == "SIMULATION: nothing is sent, told to a site, stored or answered"
    assert max(map(len, lines)) <= 80
