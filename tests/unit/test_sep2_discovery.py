"""DNS-SD of 2030.5: what records say, which server is chosen, and what whoever is on the network may not do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import WireError
from gateway.protocols.sep2.discovery import Record, choose, entries, server_of, service_of

SFDI = 167261211391
OTHER = 123456789104


def txt(*parts: str) -> bytes:
    return b"".join(bytes([len(one.encode())]) + one.encode() for one in parts)


def record(
    instance: str = f"utility-{SFDI}",
    *parts: str,
    addresses: tuple[str, ...] = ("192.0.2.7",),
) -> Record:
    told = parts or ("txtvers=1", "dcap=/dcap", "https=8443", "level=-S1")
    return Record(instance=instance, addresses=addresses, txt=txt(*told))


@pytest.mark.spec("IEEE 2030.5-2018 DNS-SD", "CSIP COMM-001")
def test_the_port_of_https_counts_and_the_name_ends_with_the_sfdi() -> None:
    found = server_of(record())
    assert (found.url, found.sfdi, found.level) == ("https://192.0.2.7:8443/dcap", SFDI, "-S1")
    plain = server_of(record("x", "txtvers=1", "dcap=/sep2/d", "https", "level=+S2", "path=/derp"))
    assert (plain.url, plain.sfdi, plain.path) == ("https://192.0.2.7/sep2/d", None, "/derp")
    empty = server_of(record("x", "txtvers=1", "dcap=/", "HTTPS=", "level=-S1"))
    assert empty.url == "https://192.0.2.7/"


@pytest.mark.spec("IEEE 2030.5-2018 DNS-SD")
@pytest.mark.parametrize(
    "parts",
    [
        ("txtvers=2", "dcap=/d", "https", "level=-S1"),
        ("dcap=/d", "txtvers=1", "https", "level=-S1"),
        ("txtvers=1", "https", "level=-S1"),
        ("txtvers=1", "dcap=/d", "level=-S1"),
        ("txtvers=1", "dcap=/d", "https"),
        ("txtvers=1", "dcap=/d", "https=0", "level=-S1"),
        ("txtvers=1", "dcap=/d", "https=65536", "level=-S1"),
        ("txtvers=1", "dcap=/d", "https=8443x", "level=-S1"),
        ("txtvers=1", "dcap=https://evil.example/d", "https", "level=-S1"),
        ("txtvers=1", "dcap=//evil.example/d", "https", "level=-S1"),
        ("txtvers=1", "dcap=/d?x", "https", "level=-S1"),
        ("txtvers=1", "dcap=/d\r\nHost: x", "https", "level=-S1"),
        ("txtvers=1", "dcap=d", "https", "level=-S1"),
    ],
)
def test_a_record_that_names_no_server_of_ours_is_left_alone(parts: tuple[str, ...]) -> None:
    with pytest.raises(WireError):
        server_of(record("x", *parts))
    assert choose([record("x", *parts)], None, "2018") is None


@pytest.mark.parametrize(
    "addresses",
    [(), ("fe80::1",), ("fe80::1%eth0",), ("224.0.0.251",), ("0.0.0.0",), ("utility.local",)],
)
def test_an_address_that_cannot_be_connected_to_is_none(addresses: tuple[str, ...]) -> None:
    assert choose([record(addresses=addresses)], None, "2018") is None


def test_an_address_of_the_sixth_version_is_written_in_brackets() -> None:
    both = ("2001:db8::7", "192.0.2.9", "192.0.2.8")
    assert server_of(record(addresses=both)).url == "https://192.0.2.8:8443/dcap"
    assert server_of(record(addresses=both[:1])).url == "https://[2001:db8::7]:8443/dcap"


@pytest.mark.spec("IEEE 2030.5-2018 DNS-SD")
def test_the_pinned_server_is_chosen_then_the_fitting_level() -> None:
    def of(name: str, level: str) -> Record:
        return record(name, "txtvers=1", f"dcap=/{name}", "https", f"level={level}")

    named, unnamed = of(f"a-{SFDI}", "+S2"), of("b", "-S1")
    stranger = of(f"c-{OTHER}", "-S1")
    found = choose([stranger, unnamed, named], SFDI, "2018")
    assert found is not None
    assert found.sfdi == SFDI
    found = choose([stranger, unnamed], SFDI, "2018")
    assert found is not None
    assert found.instance == "b", "its certificate will say who it is"
    assert choose([stranger], SFDI, "2018") is None
    levels = [of("p", "+S9"), of("q", "-S2"), of("r", "+S1"), of("s", "-S1")]
    best = {edition: choose(levels, None, edition) for edition in ("2018", "2023")}
    assert {e: one.instance for e, one in best.items() if one} == {"2018": "s", "2023": "q"}
    assert choose([], SFDI, "2018") is None


@given(
    st.permutations(
        [record(f"{n}", "txtvers=1", f"dcap=/{n}", "https", "level=-S1") for n in range(4)]
    )
)
def test_the_order_of_answers_does_not_matter(records: list[Record]) -> None:
    found = choose(records, None, "2018")
    assert found is not None
    assert found.instance == "0"


@given(st.binary(max_size=400))
def test_any_bytes_are_a_record_or_none(raw: bytes) -> None:
    try:
        found = entries(raw)
    except WireError:
        return
    assert all(name == name.lower() and "=" not in name for name in found)


def test_the_first_of_equal_names_counts_and_a_cut_record_is_none() -> None:
    assert entries(txt("a=1", "A=2", "b", "=x", "c=")) == {"a": "1", "b": None, "c": ""}
    with pytest.raises(WireError):
        entries(b"\x09short")


@pytest.mark.spec("IEEE 2030.5-2018 DNS-SD")
def test_an_address_may_stand_for_whichever_server_answers() -> None:
    assert service_of("https://utility.example/dcap") == ""
    assert service_of("https://_smartenergy._tcp.local") == "_smartenergy._tcp.local."
    assert service_of("https://derp._sub._smartenergy._tcp.local/") == (
        "derp._sub._smartenergy._tcp.local."
    )
    ours = f"edev-{SFDI}._sub._smartenergy._tcp.local."
    assert service_of(f"https://edev-{SFDI}._smartenergy._tcp.local") == ours
    with pytest.raises(WireError):
        service_of("https://printer._smartenergy._tcp.local")
