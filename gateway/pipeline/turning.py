"""How a turn begins and ends: whatever happens in it, each site gets one new plan."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from gateway.pipeline.book import Office
from gateway.pipeline.ports import Work
from gateway.pipeline.turn import Turn


@contextmanager
def turning(office: Office, work: Work, now: datetime) -> Iterator[Turn]:
    """Open the turn of one transaction; when it ends well, each site that it touched gets one new plan.

    Args:
        office: The shared ports.
        work: The open transaction.
        now: The instant of this turn.
    """
    turn = Turn(work=work, book=office.book, signer=office.signer, now=now)
    yield turn
    turn.make_plans()
