"""Where the leaves of 2030.5 documents went: a field, none, the list's own, or another event."""

from dataclasses import replace
from datetime import timedelta

from gateway.domain.event import GridEvent
from gateway.protocols.leaf import ARCHIVE
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.account import account
from gateway.protocols.sep2.codec import encode
from gateway.protocols.xml import leaves
from tests.sep2_world import FLAVOUR, START, World, control, mrid, utility

MINUTE = timedelta(minutes=1)


def told(found: dict[str, str | None], ending: str) -> str | None:
    (field,) = [field for path, field in found.items() if path.endswith(ending)]
    return field


def followed(made: sep.DERControlList) -> tuple[bytes, GridEvent]:
    """Let a session read a list, and return the bytes and the event that went inward for mRID 1."""
    server = utility()
    server.resources["/derp/1/derc"] = made
    world = World(server).run(timedelta(seconds=10))
    (event,) = [one for one in world.events if one.source["mRID"] == mrid(1)]
    return encode(made, FLAVOUR), event


def test_every_leaf_is_mapped_unmapped_the_lists_own_or_anothers() -> None:
    base = sep.DERControlBase(
        op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=5000),
        op_mod_max_lim_w=5000,
        ramp_tms=600,
    )
    one = control(1, START + 5 * MINUTE, 10, base=base, description="hot day", randomize_start=0)
    other = control(2, START + 30 * MINUTE, 10)
    made = sep.DERControlList(href="/derp/1/derc", all=2, results=2, der_control=(other, one))
    body, event = followed(made)
    body = body.replace(
        b"</DERControl></DERControlList>", b"<vendor>x</vendor></DERControl></DERControlList>"
    )
    accounted = account(body, event)
    found = {leaf.path: leaf.field for leaf in accounted}
    assert told(found, "/mRID") == "source.mRID"
    assert told(found, "/description") == "comment"
    assert told(found, "/interval/start") == "start"
    assert told(found, "/opModImpLimW/value") == "signals[opModImpLimW].intervals"
    assert told(found, "/rampTms") == "ramp_in"
    assert told(found, "/opModMaxLimW") is None, "a mode of generators"
    assert told(found, "/vendor") is None, "nobody knows it"
    assert told(found, "/potentiallySuperseded") is None
    assert found["DERControlList/@all"] == ARCHIVE
    anothers = {leaf.path for leaf in leaves(body)} - found.keys()
    assert all(path.startswith("DERControlList/DERControl[1]/") for path in anothers)
    assert len(anothers) > 5
    values = {leaf.path: leaf.value for leaf in leaves(body)}
    assert all(values[leaf.path] == leaf.value for leaf in accounted)


def test_a_default_is_accounted_for_by_mode() -> None:
    server = utility()
    found = sep.DefaultDERControl(
        href="/derp/1/dderc",
        mrid=mrid(9001),
        set_grad_w=27,
        set_es_delay=300,
        der_control_base=sep.DERControlBase(
            op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=5000),
            op_mod_exp_lim_w=sep.ActivePower(multiplier=0, value=1500),
        ),
    )
    server.resources["/derp/1/dderc"] = found
    (event,) = World(server).run(timedelta(seconds=10)).events
    fields = {leaf.path: leaf.field for leaf in account(encode(found, FLAVOUR), event)}
    assert told(fields, "/opModImpLimW/value") == "signals[opModImpLimW].intervals"
    assert told(fields, "/opModExpLimW/value") is None
    assert told(fields, "/setGradW") == "signals.intervals"
    assert told(fields, "/setESDelay") is None
    assert len(fields) == len(leaves(encode(found, FLAVOUR)))
    assert replace(event, version=0).standing
