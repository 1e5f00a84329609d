"""``gridgate simulate`` with a utility of IEEE 2030.5: written as it would write, read as the session reads."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.client.clock import SystemClock
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import encode
from tests.cli_simulated import caps, document, listed, simulate
from tests.cli_world import CONFIG, installation
from tests.sep2_world import FLAVOUR, control


def configured(folder: Path, protocol: str, more: str = "") -> Path:
    config = installation(folder)
    text = CONFIG.replace('"oadr20b"', f'"{protocol}"').replace('ven_name = "phx"', more)
    text = text.replace("http://azp.example/fast-dr", "site program")
    config.write_text(text.replace("/OpenADR2/Simple/2.0b", "/dcap"))
    return config


@pytest.mark.parametrize(
    ("protocol", "more"),
    [
        ("csip_aus", ""),
        ("csip", "fixed_w_is_cap = true"),
        ("sep2", 'target_reduction = "cap"'),
        ("sep2", 'edition = "2023"'),
    ],
)
def test_a_cap_is_asked_as_each_utility_would_ask(tmp_path: Path, protocol: str, more: str) -> None:
    config = configured(tmp_path, protocol, more)
    found = document(config, "event", "--cap-kw", "60", "--notice", "PT30M", "--lasts", "PT1H")
    assert ("hold", "60") in caps(found)
    assert found["refused"] == []
    (told,) = listed(found, "told")
    assert told["opt"] == "in"


def test_a_message_is_read_and_what_cannot_be_followed_is_refused(tmp_path: Path) -> None:
    config = configured(tmp_path, "csip_aus")
    start = SystemClock().now() + timedelta(hours=1)
    wrong = control(2, start, 10, base=sep.DERControlBase(op_mod_max_lim_w=5000))
    good = control(1, start, 10)
    body = encode(
        sep.DERControlList(href="/x", all=2, results=2, der_control=(good, wrong)), FLAVOUR
    )
    message = tmp_path / "list.xml"
    message.write_bytes(body)
    code, out, _ = simulate(config, "event", "--message", str(message))
    assert code != 0
    assert "252" in out


def test_levels_and_lists_without_events_are_refused_with_a_fix(tmp_path: Path) -> None:
    config = configured(tmp_path, "csip_aus")
    code, _, err = simulate(config, "event", "--level", "1")
    assert code != 0
    assert "--cap-kw" in err
    message = tmp_path / "time.xml"
    message.write_bytes(encode(sep.DERControlList(all=0, results=0), FLAVOUR))
    code, _, err = simulate(config, "event", "--message", str(message))
    assert code != 0
    assert "holds no events" in err
