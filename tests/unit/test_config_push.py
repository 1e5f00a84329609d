"""Push mode in the operator's file: what is needed is asked for, and what cannot be shared is told."""

from pathlib import Path

import pytest

from gateway.config.load import Loaded, load
from gateway.config.push import entrances
from gateway.domain.errors import ConfigError
from tests.cli_world import CONFIG, installation

BEFORE = "[[program]]"
PUSH = 'mode = "push"\npush_url = "https://gateway.example:8444/azp"\n'
SECOND = """
[[utility]]
name = "sce"
protocol = "oadr20b"
url = "https://localhost:10/OpenADR2/Simple/2.0b"
certificate = "server.pem"
key = "server.key"
ca = "root.pem"
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    installation(tmp_path)
    return tmp_path


def loaded(place: Path, push: str, *, config: str = CONFIG, head: str = "") -> Loaded:
    file = place / "gateway.toml"
    file.write_text(head + config.replace(BEFORE, push + BEFORE, 1), encoding="utf-8")
    return load(file, open_files=True)


def faults(place: Path, push: str, *, config: str = CONFIG, head: str = "") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(place, push, config=config, head=head)
    return [fault.split("  ", 1)[1] for fault in caught.value.faults]


def listeners(settings: Loaded) -> list[tuple[int, str, list[str]]]:
    """Return port, certificate and utilities of every listener."""
    return [
        (one.port, str(one.certificate), [each.section.name for each in one.pushed])
        for one in entrances(settings.settings.push, settings.settings.utility)
    ]


def test_a_utility_that_pushes_has_a_listener_with_our_client_certificate(place: Path) -> None:
    assert listeners(loaded(place, PUSH)) == [(8444, "ven.pem", ["azp"])]


def test_without_push_there_is_no_listener(place: Path) -> None:
    assert listeners(loaded(place, "")) == []


@pytest.mark.spec("OpenADR 2.0b rule 511")
def test_utilities_share_a_listener_under_paths_of_their_own(place: Path) -> None:
    second = SECOND + PUSH.replace("/azp", "/sce")
    head = '[push]\nport = 9000\ncertificate = "server.pem"\nkey = "server.key"\n'

    settings = loaded(place, PUSH + second, head=head)

    assert listeners(settings) == [(9000, "server.pem", ["azp", "sce"])]


def test_a_utility_may_have_a_listener_of_its_own(place: Path) -> None:
    settings = loaded(place, PUSH + SECOND + PUSH + "push_port = 8445\n")

    assert listeners(settings) == [(8444, "ven.pem", ["azp"]), (8445, "server.pem", ["sce"])]


@pytest.mark.parametrize(
    ("push", "head", "what"),
    [
        ('mode = "push"\n', "", "utility[0].push_url: is missing"),
        ('mode = "pull me"\n', "", "utility[0].mode: must be 'pull' or 'push'"),
        (PUSH.replace("https", "http"), "", "utility[0].push_url: must begin as url does"),
        (PUSH.replace("https", "ftp"), "", "utility[0].push_url: must look like"),
        (PUSH + SECOND + PUSH, "", "utility[1].push_port: shares its port"),
        (
            PUSH + SECOND + PUSH,
            '[push]\ncertificate = "server.pem"\nkey = "server.key"\n',
            "utility[1].push_url: has the same path",
        ),
        (PUSH, '[push]\ncertificate = "server.pem"\n', "push.key: is missing"),
        (PUSH, '[push]\ncertificate = "no.pem"\nkey = "ven.key"\n', "push.certificate: no such"),
        (PUSH, '[push]\ncertificate = "server.pem"\nkey = "ven.key"\n', "push.certificate: "),
        (PUSH, "[push]\nprot = 1\n", "push.prot: no such key here; did you mean port?"),
        (PUSH + 'push_fingerprints = ["59:4D"]\n', "", "utility[0].push_fingerprints[0]: is no"),
        (PUSH + "push_port = 70000\n", "", "utility[0].push_port: "),
    ],
)
def test_what_cannot_work_is_told(place: Path, push: str, head: str, what: str) -> None:
    found = faults(place, push, head=head)

    assert [fault for fault in found if fault.startswith(what)], found


def test_the_port_of_the_sites_is_taken(place: Path) -> None:
    found = faults(place, PUSH + "push_port = 8443\n", config=CONFIG.replace("port = 0", ""))

    assert found == ["utility[0].push_port: is the port of [southbound]; choose another"]


def test_plain_http_is_for_rehearsals_on_loopback(place: Path) -> None:
    config = CONFIG.replace("https://localhost:9", "http://localhost:9")
    push = PUSH.replace("https", "http")

    assert listeners(loaded(place, push, config=config)) == [(8444, "None", ["azp"])]
    found = faults(place, push, config=config, head='[push]\nhost = "0.0.0.0"\n')
    assert found == ["push.host: plain HTTP only on loopback; use https with the utility"]
