"""What an operator permits and takes back: enabled devices, ConnectionPoints, events, poll rates of a kind."""

import pytest

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import decode
from gateway.protocols.sep2.server.permits import open_connection_points, set_enabled
from gateway.protocols.sep2.server.removing import remove_event
from gateway.servers.sep2.sql import SqlStore
from tests.sep2_world import LFDI
from tests.unit.test_sep2_server import STRANGER, Utility, response

POINT = sep.ConnectionPoint(connection_point_id="6203456789")


@pytest.mark.spec("CSIP-AUS S-ALL-53")
def test_a_connection_point_is_changed_only_while_the_operator_permits_it() -> None:
    utility = Utility()
    place = utility.href(sep.ConnectionPoint)
    assert utility.send("PUT", place, POINT).answer.status == 204
    utility.do(open_connection_points(utility.server, utility.now, on=False))

    other = sep.ConnectionPoint(connection_point_id="6200000000")
    refused = utility.send("PUT", place, other)
    assert refused.answer.status == 403
    assert decode(refused.answer.body, sep.Error).value == sep.Error(reason_code=1)
    assert not refused.changes
    status, kept = utility.get(place)
    assert (status, getattr(kept, "connection_point_id", "")) == (200, "6203456789")

    utility.do(open_connection_points(utility.server, utility.now, on=True))
    assert utility.send("PUT", place, other).answer.status == 204
    assert not open_connection_points(utility.server, utility.now, on=True).changes


async def test_that_it_may_not_be_changed_outlives_a_restart(tmp_path: object) -> None:
    utility = Utility()
    store = SqlStore(tmp_path / "utility.db")  # type: ignore[operator] # a Path
    await store.load()
    await store.save([open_connection_points(utility.server, utility.now, on=False)])
    await store.close()
    found = await SqlStore(tmp_path / "utility.db").load()  # type: ignore[operator] # a Path
    assert ("closed", "ConnectionPoint") in list(found.members)


def test_a_device_is_disabled_and_enabled_again() -> None:
    utility = Utility()
    place = utility.href(sep.EndDevice)
    seen = []
    for minutes, on in ((1, False), (2, True)):
        utility.at(minutes)
        utility.do(set_enabled(utility.server, LFDI, utility.now, on=on))
        _, found = utility.get(place)
        assert isinstance(found, sep.EndDevice)
        seen.append((found.enabled, found.changed_time == int(utility.now.timestamp())))
    assert seen == [(False, True), (True, True)]
    with pytest.raises(MisuseError) as caught:
        set_enabled(utility.server, STRANGER, utility.now, on=True)
    assert caught.value.reason == "UNKNOWN_RESOURCE"


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 s")
def test_a_withdrawn_event_is_gone_and_still_responded_to_by_whoever_began() -> None:
    utility = Utility()
    event = utility.issue(5, 10)
    place = utility.server.responses()
    assert utility.post(place, response(event)) == 201
    utility.do(remove_event(utility.server, event, utility.now))
    assert utility.listed() == ()
    assert utility.post(place, response(event, 2)) == 201
    with pytest.raises(MisuseError) as caught:
        remove_event(utility.server, event, utility.now)
    assert caught.value.reason == "UNKNOWN_RESOURCE"


@pytest.mark.spec("CSIP-AUS S-ALL-43")
def test_the_poll_rate_of_a_kind_is_changed_everywhere() -> None:
    utility = Utility()
    utility.do(utility.operator.set_poll_rates("DERProgramList", 17, utility.now))
    _, found = utility.get(utility.href(sep.DERProgramList))
    assert isinstance(found, sep.DERProgramList)
    assert found.poll_rate == 17
    for kind, reason in (("DERControlList", "UNKNOWN_RESOURCE"), ("Nothing", "UNKNOWN_RESOURCE")):
        with pytest.raises(MisuseError) as caught:
            utility.operator.set_poll_rates(kind, 17, utility.now)
        assert caught.value.reason == reason
