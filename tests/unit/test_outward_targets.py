"""Where webhooks may go, by address: the table, every way to write loopback, and what the operator may open."""

from ipaddress import ip_network

import pytest

from gateway.domain.errors import TransportError
from gateway.transport.special_addresses import SPECIAL, address_of, own_network, special
from gateway.transport.targets import (
    Target,
    TargetRules,
    judge,
    judge_literal,
    parse_target,
    read_network,
)

OPEN = TargetRules()


def rules(*networks: str, ports: tuple[int, ...] = (443, 8443, 9000)) -> TargetRules:
    return TargetRules(ports=ports, own=tuple(ip_network(text) for text in networks))


def refused(url: str, *addresses: str, given: TargetRules = OPEN) -> str:
    with pytest.raises(TransportError) as found:
        judge(parse_target(url, given), addresses, given)
    return found.value.reason


SPECIAL_ADDRESSES = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.9", "192.0.0.170", "192.0.2.1",
    "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.1.1", "192.175.48.1", "198.18.0.1", "198.19.255.255",
    "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::2", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::1", "100::1", "100:0:0:1::1", "2001::1", "2001:0:53aa:64c::1", "2001:1::1", "2001:2::1", "2001:10::1",
    "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "3fff:fff::1", "4000::1", "5f00::1",
    "8000::1", "fc00::1", "fd12:3456::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
ORDINARY = [
    "8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.167.255.255",
    "192.169.0.0", "198.17.255.255", "198.20.0.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
    "2000::1", "2001:200::1", "2001:db7::1", "2001:db9::1", "2003::1", "2606:4700:4700::1111", "3ffe::1",
    "3fff:1000::1",
]  # fmt: skip


@pytest.mark.spec("IANA special-purpose address registries")
@pytest.mark.parametrize("address", SPECIAL_ADDRESSES)
def test_a_special_address_is_refused_by_its_name(address: str) -> None:
    with pytest.raises(TransportError) as found:
        judge(parse_target("https://site.example/", OPEN), (address,), OPEN)
    assert found.value.reason == "FORBIDDEN_TARGET"
    assert address in found.value.detail


@pytest.mark.parametrize("address", ORDINARY)
def test_an_ordinary_address_is_let_through(address: str) -> None:
    assert judge(parse_target("https://site.example/", OPEN), (address,), OPEN) == (address,)


def test_one_bad_address_among_good_ones_refuses_all() -> None:
    assert refused("https://site.example/", "8.8.8.8", "9.9.9.9", "10.0.0.1") == "FORBIDDEN_TARGET"
    assert refused("https://site.example/") == "NO_ADDRESS"


@pytest.mark.parametrize(
    "text", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "fe80::1%eth0", "host", ""]
)
def test_only_the_canonical_form_is_an_address(text: str) -> None:
    assert address_of(text) is None
    assert refused("https://site.example/", text) == "FORBIDDEN_TARGET"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://site.example/", "https:///x", "site.example", "", "https://u@site.example/", "https://u:p@site.example/",
        "https://@site.example/", "https://site.example:22/", "https://site.example:0/", "https://site.example:99999/",
        "https://site.example/#f", "http://site.example/", "http://site.example:443/", "https://site.example\\@evil/",
        "https://site .example/", "https://site.example/\n", "https://sité.example/", "https://[::1/",
        "https://%31%32%37.0.0.1/", "https://" + "a" * 2100,
    ],
)  # fmt: skip
def test_a_url_that_no_address_could_make_good_is_refused(url: str) -> None:
    with pytest.raises(TransportError) as found:
        parse_target(url, OPEN)
    assert found.value.reason == "BAD_TARGET"


def test_ports_are_those_of_the_operator() -> None:
    assert parse_target("https://site.example/x?y=1", OPEN).port == 443
    assert parse_target("https://site.example:8443/", OPEN).port == 8443
    assert parse_target("https://site.example:9000/", rules()).port == 9000


def test_an_own_network_is_reached_only_where_the_operator_names_it() -> None:
    given = rules("10.20.0.0/16", "fd12:3456::/48")
    target = parse_target("https://sched.site.example/", given)
    assert judge(target, ("10.20.1.1", "fd12:3456::7"), given) == ("10.20.1.1", "fd12:3456::7")
    assert refused(target.url, "10.21.0.1", given=given) == "FORBIDDEN_TARGET"
    assert refused(target.url, "169.254.169.254", given=given) == "FORBIDDEN_TARGET"
    assert judge(target, ("8.8.8.8",), given) == ("8.8.8.8",)


def test_plain_http_goes_to_listed_loopback_and_nowhere_else() -> None:
    given = rules("127.0.0.1/32", "10.0.0.0/8")
    assert judge(parse_target("http://h:9000/", given), ("127.0.0.1",), given) == ("127.0.0.1",)
    for address in ("10.0.0.1", "8.8.8.8", "127.0.0.2", "::1"):
        assert refused("http://h:9000/", address, given=given) == "FORBIDDEN_TARGET"
    with pytest.raises(TransportError):
        parse_target("http://h:9000/", rules("10.0.0.0/8"))


def test_a_host_that_is_an_address_is_judged_without_asking() -> None:
    with pytest.raises(TransportError, match="loopback"):
        judge_literal(parse_target("https://127.0.0.1/", OPEN), OPEN)
    with pytest.raises(TransportError, match="loopback"):
        judge_literal(parse_target("https://[::1]/", OPEN), OPEN)
    judge_literal(parse_target("https://site.example/", OPEN), OPEN)
    judge_literal(Target("", "https", "8.8.8.8", 443), OPEN)


@pytest.mark.parametrize(
    "text", ["10.20.0.0/16", "127.0.0.1", "192.168.0.0/24", "fd00::/8", "100.64.0.0/12"]
)
def test_own_networks_may_be_opened(text: str) -> None:
    assert str(read_network(text)).startswith(text.split("/", maxsplit=1)[0])


@pytest.mark.parametrize(
    "text",
    ["0.0.0.0/0", "::/0", "8.8.8.0/24", "169.254.169.254/32", "10.0.0.1/8", "0.0.0.0/8", "8.0.0.0/5",
     "::ffff:10.0.0.0/104", "64:ff9b::/96", "fe80::/10", "224.0.0.0/4", "any", "2606::/16"],
)  # fmt: skip
def test_nothing_else_may_be_opened(text: str) -> None:
    with pytest.raises(ValueError, match=r"network|permission"):
        read_network(text)


def test_every_row_of_the_table_counts() -> None:
    """Without its row, the first address of a network would be ordinary, or of another row's name."""
    for row in SPECIAL:
        found = special(row.network.network_address)
        assert found is not None
        assert row.name in (found.name, "IPv4 written as IPv6")
        assert (own_network(row.network) is not None) is row.own
