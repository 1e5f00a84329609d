"""Servers found on the local network: the library's part played by a fake, the rest as it runs."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.app.sessions import Sessions
from gateway.app.virtual import VirtualClock
from gateway.cli.discover import discover
from gateway.config.load import load
from gateway.domain.errors import ConfigError
from gateway.northbound.lan import LISTEN, PAUSE, Lan, available
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.identity import sfdi_label, sfdi_of
from tests.push_world import _HEAD
from tests.sep2_server_world import MINUTE, Premises, Sink, furnish
from tests.sep2_world import START

TYPE = "_smartenergy._tcp.local."


def txt(*parts: str) -> bytes:
    return b"".join(bytes([len(one)]) + one.encode() for one in parts)


@dataclass
class Network:
    """What the library offers, over answers of a test's own."""

    answers: dict[str, tuple[list[str], bytes]] = field(default_factory=dict)
    """Name -> addresses and TXT."""
    asked: list[str] = field(default_factory=list)
    open: int = 0
    appears_after: int = 0
    """Questions that go unanswered before."""

    def module(self) -> Any:
        return SimpleNamespace(
            AsyncZeroconf=partial(Zeroconf, self),
            AsyncServiceBrowser=partial(Browser, self),
            AsyncServiceInfo=partial(Info, self),
        )


class Zeroconf:
    zeroconf = "zc"

    def __init__(self, network: Network) -> None:
        self._network = network
        network.open += 1

    async def async_close(self) -> None:
        self._network.open -= 1


class Browser:
    def __init__(
        self, network: Network, zc: str, kind: str, handlers: Iterable[Callable[..., None]]
    ) -> None:
        network.asked.append(kind)
        if len(network.asked) > network.appears_after:
            for name in (*network.answers, "printer._ipp._tcp.local."):
                for handler in handlers:
                    handler(zeroconf=zc, service_type=kind, name=name, state_change=1)

    async def async_cancel(self) -> None:
        pass


class Info:
    def __init__(self, network: Network, kind: str, name: str) -> None:
        assert kind == TYPE
        self._found = network.answers.get(name)
        self.text = self._found[1] if self._found else None

    async def async_request(self, _: str, __: int) -> bool:
        return self._found is not None

    def parsed_addresses(self) -> list[str]:
        return self._found[0] if self._found else []


@pytest.mark.spec("IEEE 2030.5-2018 DNS-SD", "CSIP COMM-001")
async def test_a_server_is_found_by_its_records_and_followed(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    async with site.utility() as utility:
        await furnish(utility, device.lfdi)
        sfdi = sfdi_of(site.server.lfdi)
        record = txt("txtvers=1", "dcap=/dcap", f"https={utility.port}", "level=-S1")
        false = txt("txtvers=1", "dcap=/dcap", "https=1", "level=-S1")
        network = Network(
            answers={
                f"evil-123456789104.{TYPE}": (["127.0.0.1"], false),
                f"utility-{sfdi_label(sfdi)}.{TYPE}": (["127.0.0.1"], record),
            },
            appears_after=1,
        )
        lan = Lan(site.clock, network.module)
        begun = site.clock.now()
        section = SimpleNamespace(
            url="https://_smartenergy._tcp.local",
            server_fingerprint=site.server.lfdi,
            model_copy=lambda update: update,
        )
        sessions = SimpleNamespace(lan=lambda _: lan, office=SimpleNamespace(clock=site.clock))
        placed: Any = await Sessions._placed(sessions, section, Sep2Options())  # type: ignore[arg-type] # what it needs of them
        assert placed == {"url": f"https://127.0.0.1:{utility.port}/dcap"}
        assert site.clock.now() - begun == 2 * LISTEN + PAUSE
        assert (network.asked, network.open) == ([TYPE, TYPE], 0)
        url = placed["url"].replace("127.0.0.1", "localhost")
        async with site.gateway(device, url, Sink()):
            await site.pass_time(START + 3 * MINUTE)
        kinds = {one.kind.__name__ for one in utility.told(sep.Resource)}
        assert "DERStatus" in kinds
    untouched = await Sessions._placed(
        sessions,  # type: ignore[arg-type] # what it needs of it
        SimpleNamespace(url="https://utility.example/dcap"),  # type: ignore[arg-type] # as above
        Sep2Options(),
    )
    assert untouched.url == "https://utility.example/dcap"
    assert network.asked == [TYPE, TYPE]


@pytest.mark.skipif(available(), reason="the library of the extra lan is installed")
async def test_without_the_library_it_is_said_what_to_install() -> None:
    with pytest.raises(ConfigError) as error:
        await Lan(VirtualClock(START, print)).records(TYPE)
    assert (error.value.reason, "gridgate[lan]" in str(error.value.faults)) == ("NO_PACKAGE", True)


def test_the_verb_lists_servers_and_says_why_others_are_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = txt("txtvers=1", "dcap=/dcap", "https=8443", "level=-S1")
    network = Network(
        answers={
            f"utility-167261211391.{TYPE}": (["192.0.2.7"], good),
            f"old.{TYPE}": (["192.0.2.8"], txt("txtvers=1", "dcap=/dcap", "level=-S0")),
        }
    )
    lan = Lan(Quick(START, print), network.module)
    assert discover("derp", as_json=False, lan=lan) == 0
    shown = capsys.readouterr().out
    assert network.asked == ["derp._sub._smartenergy._tcp.local."]
    assert "167-261-211-391" in shown
    assert "https://192.0.2.7:8443/dcap" in shown
    assert "left out old: it speaks plain http" in shown
    assert discover("", as_json=True, lan=lan) == 0
    (one,) = json.loads(capsys.readouterr().out)["servers"]
    assert (one["sfdi"], one["url"]) == ("167261211391", "https://192.0.2.7:8443/dcap")
    network.answers.clear()
    assert discover("", as_json=False, lan=lan) == 1
    with pytest.raises(ConfigError):
        discover("printer", as_json=False, lan=lan)


class Quick(VirtualClock):
    """A clock on which no time passes."""

    async def sleep_until(self, at: object) -> None:
        pass


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ('url = "https://printer._smartenergy._tcp.local"', "no subtype"),
        ('url = "https://_smartenergy._tcp.local"', "could answer"),
        (
            'url = "https://_smartenergy._tcp.local"\n'
            'server_fingerprint = "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"',
            "check_host_name",
        ),
        (
            'url = "https://_smartenergy._tcp.local"\n'
            'server_fingerprint = "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"\n'
            "check_host_name = false",
            "",
        ),
    ],
)
def test_a_server_that_is_to_be_found_has_to_be_pinned(
    tmp_path: Path, keys: str, fault: str
) -> None:
    for name in ("a.pem", "a.key", "ca.pem"):
        (tmp_path / name).write_text("x")
    path = tmp_path / "gateway.toml"
    files = 'certificate = "a.pem"\nkey = "a.key"\nca = "ca.pem"\n'
    program = (
        '[[program]]\nutility = "apex"\nname = "p"\nsites = ["phx-1"]\n'
        "price_per_kwh = 1\npenalty_per_kwh = 2\n"
    )
    utility = f'[[utility]]\nname = "apex"\nprotocol = "sep2"\n{files}{keys}\n'
    path.write_text(_HEAD + utility + program)
    if not fault:
        assert load(path).settings.utility[0].url == "https://_smartenergy._tcp.local"
        return
    with pytest.raises(ConfigError) as error:
        load(path)
    assert fault in "\n".join(map(str, error.value.faults))
