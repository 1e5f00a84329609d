"""Secrets: never in the evidence, equal ones still recognised as equal."""

from conformance.engine.ixit import DriverChoice, Ixit
from conformance.engine.secrets import Secrets

PIN = "pa&s <1234>"


def test_credentials_of_a_head_are_hidden_and_stay_comparable() -> None:
    secrets = Secrets(b"key")
    heads = [
        b"POST / HTTP/1.1\r\nAuthorization: Bearer abc\r\nHost: h\r\n\r\n",
        b"POST / HTTP/1.1\r\nauthorization:  Bearer abc\r\nCookie: a=b\r\n\r\n",
        b"POST / HTTP/1.1\r\nAuthorization: Bearer abd\r\nHost: h\r\n\r\n",
    ]

    shown = [secrets.head(head) for head in heads]

    assert all(b"Bearer" not in head and b"a=b" not in head for head in shown)
    first, second, third = (head.split(b"keyed-")[1][:32] for head in shown)
    assert first == second != third
    assert shown[0].endswith(b"\r\nHost: h\r\n\r\n")


def test_a_secret_value_is_found_as_it_is_in_xml_and_in_addresses() -> None:
    secrets = Secrets(b"key", (PIN,))
    texts = [PIN, "<a>pa&amp;s &lt;1234&gt;</a>", "/x?pin=pa%26s%20%3C1234%3E"]

    shown = [secrets.text(text) for text in texts]

    assert not any("1234" in text for text in shown)
    assert len({text.split("keyed-")[1][:32] for text in shown}) == 1
    assert secrets.anywhere(b"\xff nothing of it") == b"\xff nothing of it"


def test_keys_make_other_hashes_and_short_values_are_left_alone() -> None:
    assert Secrets(b"a", (PIN,)).text(PIN) != Secrets(b"b", (PIN,)).text(PIN)
    assert Secrets(b"a", ("1234",)).text("at 12:34, 1234 W") == "at 12:34, 1234 W"


def test_an_ixit_is_shown_without_its_secrets() -> None:
    driver = DriverChoice(kind="http", url="http://lab:hunter22@device/act")
    ixit = Ixit(driver=driver, values={"device_pin": PIN, "group_id": "g"})

    shown = ixit.shown()

    assert shown.values == {"device_pin": "***", "group_id": "g"}
    assert shown.driver.url == "http://***@device/act"
    assert ixit.secrets == (PIN, "lab:hunter22")
