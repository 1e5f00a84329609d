"""The mirror of a server's tree: paging, poll rates, what is lost and found, servers that never end."""

from dataclasses import replace
from datetime import timedelta
from random import Random  # noqa: TID251 - seeds the chance that is handed in

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.links import FunctionSet
from gateway.protocols.sep2.client.mirror import MOST_MEMBERS, MOST_RESTARTS, Change, Mirror
from tests.sep2_world import START, control, listing, mrid

SECOND = timedelta(seconds=1)


def mirror(**others: object) -> Mirror:
    made = Mirror(
        root="/dcap",
        function_sets=frozenset(FunctionSet),
        chance=Random(1),
        ours=lambda _: True,
        **others,  # type: ignore[arg-type] # by name
    )
    made.begin(START)
    return made


def reached(made: Mirror) -> None:
    """Lead the mirror to one list of controls."""
    root = sep.DeviceCapability(
        href="/dcap", poll_rate=60, der_program_list_link=sep.ListLink(href="/derp", all=1)
    )
    made.take(START, 9)
    made.answered("/dcap", root, START)
    made.take(START, 9)
    program = sep.DERProgram(
        href="/derp/1",
        mrid=mrid(1),
        primacy=1,
        der_control_list_link=sep.ListLink(href="/derc", all=0),
    )
    made.answered("/derp", listed(sep.DERProgramList, "/derp", [program], 1), START)


def listed(
    kind: type[sep.Resource], href: str, members: list[sep.Resource], total: int
) -> sep.Resource:
    field = {sep.DERProgramList: "der_program", sep.DERControlList: "der_control"}[kind]
    base = listing(kind, href)
    return replace(base, **{field: tuple(members), "all": total, "results": len(members)})  # type: ignore[arg-type] # by name


def page(first: int, count: int, total: int) -> sep.Resource:
    members: list[sep.Resource] = [control(n, START, 1) for n in range(first, first + count)]
    return listed(sep.DERControlList, "/derc", members, total)


def asked(made: Mirror) -> str:
    (fetch,) = made.take(START, 9)
    return fetch.href


@pytest.mark.spec("IEEE 2030.5-2018 4.6.2")
@given(total=st.integers(0, 40), most=st.integers(1, 12))
def test_a_list_is_read_to_its_end_whatever_the_server_gives_at_a_time(
    total: int, most: int
) -> None:
    made = mirror(page=7)
    reached(made)
    changes: list[Change] = []
    while not changes:
        href = asked(made)
        start = int(href.partition("s=")[2].partition("&")[0])
        count = min(7, most, total - start)
        changes = made.answered("/derc", page(start, count, total), START)
    found = [m.mrid for m in made.nodes["/derc"].members if isinstance(m, sep.DERControl)]
    assert found == [mrid(n) for n in range(total)]
    assert made.nodes["/derc"].complete


@pytest.mark.spec("IEEE 2030.5-2018 4.6.2")
def test_a_list_that_changes_while_it_is_read_is_begun_anew() -> None:
    made = mirror(page=2)
    reached(made)
    assert asked(made) == "/derc?s=0&l=2"
    assert made.answered("/derc", page(0, 2, 4), START) == []
    assert asked(made) == "/derc?s=2&l=2"
    assert made.answered("/derc", page(2, 1, 3), START) == []
    assert asked(made) == "/derc?s=0&l=2"
    made.answered("/derc", page(0, 2, 3), START)
    asked(made)
    (change,) = made.answered("/derc", page(2, 1, 3), START)
    assert len(change.node.members) == 3


@pytest.mark.spec("IEEE 2030.5-2018 4.6.2")
def test_a_list_that_never_stands_still_is_taken_as_it_comes_in_the_end() -> None:
    made = mirror(page=1)
    reached(made)
    total, rounds = 5, 0
    while not made.nodes["/derc"].members and rounds < 50:
        href = asked(made)
        start = int(href.partition("s=")[2].partition("&")[0])
        total += 1 if start else 0
        rounds += 1
        made.answered("/derc", page(start, 1 if start < 9 else 0, total), START)
    assert rounds < 10 + 3 * MOST_RESTARTS


@pytest.mark.spec("IEEE 2030.5-2018 4.6.2", "IEEE 2030.5-2023 10.2.2.3 rule p")
def test_a_server_whose_list_never_ends_is_cut_and_never_counts_as_complete() -> None:
    made = mirror(page=500)
    reached(made)
    rounds = 0
    while made.nodes["/derc"].read_at is None:
        href = asked(made)
        start = int(href.partition("s=")[2].partition("&")[0])
        made.answered("/derc", page(start, 500, 2**32 - 1), START)
        rounds += 1
    assert rounds == MOST_MEMBERS // 500
    assert not made.nodes["/derc"].complete
    assert len(made.nodes["/derc"].members) == MOST_MEMBERS


@pytest.mark.spec("IEEE 2030.5-2018 4.6.2", "IEEE 2030.5-2023 10.2.2.3 rule p")
def test_a_list_that_says_more_than_it_gives_is_not_complete() -> None:
    made = mirror()
    reached(made)
    asked(made)
    made.answered("/derc", page(0, 2, 4), START)
    assert asked(made) == "/derc?s=2&l=100"
    (change,) = made.answered("/derc", page(2, 0, 4), START)
    assert not change.node.complete
    assert len(change.node.members) == 2


@pytest.mark.spec("IEEE 2030.5-2018 4.6.2", "IEEE 2030.5-2023 10.2.2.3 rule p")
def test_a_list_whose_order_moves_between_pages_is_begun_anew() -> None:
    made = mirror(page=2)
    reached(made)
    asked(made)
    made.answered("/derc", page(1, 2, 4), START)
    asked(made)
    assert made.answered("/derc", page(2, 2, 4), START) == []  # number 2 again: 0 came before it
    assert asked(made) == "/derc?s=0&l=2"
    made.answered("/derc", page(0, 2, 4), START)
    asked(made)
    (change,) = made.answered("/derc", page(2, 2, 4), START)
    assert [m.href for m in change.node.members] == [f"/derp/1/derc/{n}" for n in range(4)]
    assert change.node.complete


@pytest.mark.spec("IEEE 2030.5-2018 4.6.2", "IEEE 2030.5-2023 10.2.2.3 rule p")
def test_a_server_that_does_not_page_gives_no_whole_list() -> None:
    made = mirror(page=2)
    reached(made)
    rounds = 0
    while made.nodes["/derc"].read_at is None:
        asked(made)
        made.answered("/derc", page(0, 2, 5), START)
        rounds += 1
    assert rounds <= 3 * (MOST_RESTARTS + 1)
    assert not made.nodes["/derc"].complete
    assert len(made.nodes["/derc"].members) == 2


@pytest.mark.spec("IEEE 2030.5-2018 4.6.2")
def test_a_server_may_give_more_than_was_asked_for() -> None:
    made = mirror(page=2)
    reached(made)
    asked(made)
    (change,) = made.answered("/derc", page(0, 7, 5), START)
    assert change.node.complete
    assert len(change.node.members) == 7


@pytest.mark.spec("IEEE 2030.5-2018 links")
def test_what_is_gone_takes_what_it_led_to_with_it_and_is_looked_for_again() -> None:
    made = mirror()
    reached(made)
    changes = made.missing("/derp", START + SECOND)
    assert {change.node.href for change in changes if change.gone} == {"/derp", "/derc"}
    assert made.nodes.keys() == {"/dcap"}
    assert [fetch.node for fetch in made.take(START + SECOND, 9)] == ["/dcap"]


@pytest.mark.spec("IEEE 2030.5-2018 5.5.2")
def test_failures_put_a_node_off_longer_each_time_up_to_its_poll_rate() -> None:
    made = mirror()
    reached(made)
    now, pauses = START, []
    for _ in range(12):
        asked_now = made.take(now, 9)
        assert [fetch.node for fetch in asked_now if fetch.node == "/derc"]
        made.failed("/derc", now)
        due = made.times.slots["/derc"].due_at
        pauses.append(due - now)
        now = due
        for fetch in made.take(now - timedelta(microseconds=1), 99):
            made.failed(fetch.node, now)
    assert pauses[0] < timedelta(seconds=1.2)
    assert pauses == sorted(pauses) or max(pauses) <= timedelta(seconds=66)
    assert max(pauses) <= timedelta(seconds=66)


@pytest.mark.spec("IEEE 2030.5-2018 4.6.2")
def test_a_failure_in_mid_list_goes_on_where_it_was() -> None:
    made = mirror(page=2)
    reached(made)
    asked(made)
    made.answered("/derc", page(0, 2, 4), START)
    asked(made)
    made.failed("/derc", START)
    (fetch,) = [f for f in made.take(START + 2 * SECOND, 9) if f.node == "/derc"]
    assert fetch.href == "/derc?s=2&l=2"


@pytest.mark.spec("IEEE 2030.5-2018 5.5.2")
def test_retry_after_is_honoured() -> None:
    made = mirror()
    made.take(START, 9)
    made.failed("/dcap", START, timedelta(minutes=7))
    assert made.next_due() is not None
    assert made.next_due() >= START + timedelta(minutes=7)  # type: ignore[operator] # just seen


@pytest.mark.spec("IEEE 2030.5-2018 links")
def test_links_are_resolved_against_the_resource_that_holds_them() -> None:
    made = mirror()
    made.take(START, 9)
    root = sep.DeviceCapability(
        href="/dcap", der_program_list_link=sep.ListLink(href="deep/derp?x=1", all=1)
    )
    made.answered("/dcap", root, START)
    assert [fetch.href for fetch in made.take(START, 9)] == ["/deep/derp?x=1&s=0&l=100"]


@pytest.mark.spec("IEEE 2030.5-2018 links")
def test_a_node_that_two_lead_to_stays_until_both_are_gone() -> None:
    made = mirror()
    reached(made)
    made.nodes["/derc"].parents.add("/dcap")
    made.take(START, 9)
    made.answered("/derp", listed(sep.DERProgramList, "/derp", [], 0), START)
    assert "/derc" in made.nodes


def test_a_link_that_goes_on_dangling_is_not_followed_without_a_pause() -> None:
    made = mirror()
    now, asked_for = START, 0
    made.begin(now)
    root = sep.DeviceCapability(href="/dcap", poll_rate=60, time_link=sep.Link(href="/tm"))
    while now < START + timedelta(minutes=10):
        for fetch in made.take(now, 9):
            if fetch.node == "/dcap":
                made.answered("/dcap", root, now)
            else:
                asked_for += 1
                made.missing(fetch.node, now)
        now += timedelta(milliseconds=100)
    assert made.settled
    assert 2 <= asked_for <= 10
