"""What stands for a program that is configured no longer: taken back at the start, since no session ever would.

An event of such a program runs to its end; a standing limit has none.
"""

from dataclasses import replace
from datetime import datetime

from gateway.pipeline.book import Office
from gateway.pipeline.ports import Work
from gateway.pipeline.settle import agree
from gateway.pipeline.turn import Turn
from gateway.pipeline.turning import turning


def settle_in(office: Office, work: Work, now: datetime) -> None:
    """Bring the store in line with the configuration, at the start: what was agreed, and what stands for nobody."""
    with turning(office, work, now) as turn:
        agree(turn)
        strike(turn)


def strike(turn: Turn) -> None:
    """Take back every standing limit whose program was struck out of the configuration."""
    struck = {
        record.event: None
        for site in turn.book.sites
        for record in turn.work.intents.of_site(site, live=True)
        if record.intent.timing.standing
        and record.intent.cancelled_at is None
        and (record.event.utility, record.intent.provenance.authority.program)
        not in turn.book.programs
    }
    for key in struck:
        event = turn.work.events.newest(key)
        if event is not None:
            turn.log("audit", key.event_id, {"word": "struck", "utility": key.utility})
            turn.admit(replace(event, cancelled_at=turn.now))
