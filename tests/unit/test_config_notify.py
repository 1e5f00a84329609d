"""Notifications of 2030.5 in the operator's file: what is listened on, and what cannot be shared."""

from pathlib import Path

import pytest

from gateway.config.load import Loaded, load
from gateway.config.notify import notify_entrances
from gateway.domain.errors import ConfigError
from tests.cli_world import CONFIG, installation

BEFORE = "[[program]]"
URL = 'notify_url = "https://gateway.example:8445/apex"\n'


def utility(name: str = "apex", rest: str = URL, certificate: str = "ven") -> str:
    """Return the section of a 2030.5 utility."""
    return f"""
[[utility]]
name = "{name}"
protocol = "csip_aus"
url = "https://localhost:10/dcap"
certificate = "{certificate}.pem"
key = "{certificate}.key"
ca = "root.pem"
tls_profile = "csip"
{rest}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    installation(tmp_path)
    return tmp_path


def loaded(place: Path, utilities: str) -> Loaded:
    file = place / "gateway.toml"
    file.write_text(CONFIG.replace(BEFORE, utilities + BEFORE, 1), encoding="utf-8")
    return load(file, open_files=True)


def faults(place: Path, utilities: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(place, utilities)
    return [fault.split("  ", 1)[1] for fault in caught.value.faults]


def test_without_an_address_nothing_listens(place: Path) -> None:
    assert notify_entrances(loaded(place, utility(rest="")).settings.utility) == ()


def test_it_listens_on_loopback_unless_told_otherwise(place: Path) -> None:
    (found,) = notify_entrances(loaded(place, utility()).settings.utility)
    assert (found.host, found.port, str(found.certificate)) == ("127.0.0.1", 8445, "ven.pem")
    told = URL + 'notify_host = "0.0.0.0"\nnotify_port = 9443\n'
    (found,) = notify_entrances(loaded(place, utility(rest=told)).settings.utility)
    assert (found.host, found.port) == ("0.0.0.0", 9443)


def test_utilities_with_one_identity_share_a_listener_under_paths_of_their_own(place: Path) -> None:
    both = utility() + utility("bolt", URL.replace("/apex", "/bolt"))
    (found,) = notify_entrances(loaded(place, both).settings.utility)
    assert [one.path for one in found.notifying] == ["/apex", "/bolt"]


@pytest.mark.parametrize(
    ("utilities", "what"),
    [
        (utility() + utility("bolt"), "has the same path as another"),
        (
            utility() + utility("bolt", URL.replace("/apex", "/bolt"), "server"),
            "is the port of a utility with another certificate",
        ),
        (utility(rest=URL.replace("https", "http")), "must look like https://"),
        (utility(rest=URL.replace("/apex", "/apex?x=1")), "must look like https://"),
        (utility(rest=URL + 'notify_peers = ["nobody"]\n'), "must be an LFDI"),
        (utility(rest=URL + "notification_answer = 200\n"), "notification_answer"),
        (utility(rest=URL + 'subscribe = ["Time"]\n'), "subscribe"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_its_place(place: Path, utilities: str, what: str) -> None:
    assert any(what in fault for fault in faults(place, utilities)), faults(place, utilities)
