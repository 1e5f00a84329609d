"""Three days of a device that comes by every minute: everything is taken, and nothing piles up."""

from datetime import timedelta

import pytest

from gateway.protocols.sep2._generated import model as sep
from tests.sep2_world import LFDI
from tests.unit.test_sep2_server import Utility, mirror, reading, response

HOURS = 72
CONTROL_MINUTES = 360


@pytest.mark.slow
@pytest.mark.spec("CSIP-AUS S-ALL-50", "CSIP-AUS S-ALL-44")
def test_72_hours_of_a_client_that_comes_by_every_minute() -> None:
    utility = Utility(event_poll_rate=60, post_rate=60)
    place = utility.send("POST", "/mup", mirror()).answer.location
    status_at = utility.href(sep.DER) + "/ders"
    replies = utility.server.responses()
    names = [utility.issue(n * CONTROL_MINUTES, CONTROL_MINUTES) for n in range(12)]
    told: dict[str, list[int]] = {name: [] for name in names}
    told_at = utility.now
    values, kept = 0, {}
    for minute in range(HOURS * 60 + 1):
        utility.at(minute)
        second = int(utility.now.timestamp())
        standing = utility.standing()
        active = [name for name, (current, _) in standing.items() if current == 1]
        for name in standing:
            if not told[name]:
                told[name].append(1)
                assert utility.post(replies, response(name, 1)) == 201
        current = names[minute // CONTROL_MINUTES] if minute < HOURS * 60 else None
        assert active == ([current] if current else [])
        for name in names:
            running = told[name] == [1] and name == current
            over = told[name] == [1, 2] and name != current
            if running or over:
                told[name].append(2 if running else 3)
                assert utility.post(replies, response(name, told[name][-1])) == 201
        values += len(utility.send("POST", place, reading(101, minute, second)).readings)
        assert (
            utility.send("PUT", status_at, sep.DERStatus(reading_time=second)).answer.status == 204
        )
        if minute % (24 * 60) == 12 * 60:
            kept[minute // 1440] = len(utility.server.book.entries)
    assert values == HOURS * 60 + 1
    assert set(map(tuple, told.values())) == {(1, 2, 3)}
    responses = [
        o for o in utility.server.book.entries.values() if o.kind is sep.DERControlResponse
    ]
    assert len(responses) == 36
    assert {one.scope for one in responses} <= {LFDI, ""}
    assert utility.now - told_at == timedelta(hours=HOURS)
    assert kept[2] - kept[0] <= 2 * 12, "only what was responded has come to be"
