"""VEN: delivers reports when due, and keeps what the VTN has not taken yet.

    running --due--> owed (a span) --readings--> outbox (a message) --acknowledged--> done

Through an outage only spans pile up; their values are read from the meters' store when their turn comes, in order.

Spec: OpenADR 2.0b section 8.3.2; rules 324, 328, 335.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.timespan import Span
from gateway.protocols.actions import Collect, Readings
from gateway.protocols.oadr2b.errors import INVALID_ID
from gateway.protocols.oadr2b.messages import Message, OadrUpdatedReport, OadrUpdateReport
from gateway.protocols.oadr2b.metadata import DataPoint, ReportName
from gateway.protocols.oadr2b.report_data import apart, report
from gateway.protocols.oadr2b.reports import Input, State, step
from gateway.protocols.oadr2b.ven_opts import overridden
from gateway.protocols.oadr2b.ven_state import Due, Outgoing, Purpose, Running
from gateway.protocols.oadr2b.ven_turn import EI_REPORT, Turn

MOST_OWED: Final = 5000
"""Reports kept through an outage, whatever the buffer's length."""
_SHORTEST_PAUSE: Final = timedelta(seconds=1)
"""Between two looks at readings that are late."""


def fall_due(turn: Turn) -> None:
    """Move every report whose time has come to the owed ones, in the order of their due times."""
    found: list[tuple[datetime, Due]] = []
    for running in tuple(turn.state.running.values()):
        if running.state is State.RUNNING:
            found += _due_of(turn, running)
    owe(turn, [due for _, due in sorted(found, key=lambda pair: pair[0])])
    _close(turn)


def _due_of(turn: Turn, running: Running) -> list[tuple[datetime, Due]]:
    schedule = running.schedule
    until = schedule.fallen_due(running.fallen_due, turn.now)
    if until == running.fallen_due:
        return []
    kept = turn.options.report_buffer // schedule.every + 1 if schedule.every else 1
    first = max(running.fallen_due, until - min(kept, MOST_OWED))
    if first > running.fallen_due:
        _note_dropped(turn, first - running.fallen_due)
    found = []
    for number in range(first, until):
        span = running.window or schedule.covers(number)
        due = Due(
            report_request_id=running.report_request_id,
            span=span,
            ready_at=span.end + turn.options.report_grace,
        )
        found.append((schedule.due_at(number), due))
    is_last = schedule.count is not None and until >= schedule.count
    turn.put_running(
        replace(
            running,
            fallen_due=until,
            covered_until=found[-1][1].span.end,
            state=step(running.state, Input.LAST if is_last else Input.DUE),
        )
    )
    return found


def _note_dropped(turn: Turn, count: int) -> None:
    turn.note("reports_dropped", count=str(count))


def owe(turn: Turn, dues: Sequence[Due]) -> None:
    """Add reports to be delivered; the oldest are dropped when there are too many."""
    if not dues:
        return
    owed = (*turn.state.owed, *dues)
    if len(owed) > MOST_OWED:
        _note_dropped(turn, len(owed) - MOST_OWED)
    turn.state = replace(turn.state, owed=owed[-MOST_OWED:])


def collect(turn: Turn) -> None:
    """Ask for the readings of the oldest owed report, once nothing of an earlier one is under way."""
    if not turn.state.owed or turn.link.collecting or turn.queued(Purpose.UPDATE):
        return
    due = turn.state.owed[0]
    if turn.now < due.ready_at:
        return
    running = turn.state.running[due.report_request_id]
    points = _points(turn, running)
    if points is None:
        # The configuration no longer has these meters; fresh metadata is on its way.
        turn.finish(running.report_request_id)
        return
    meters = dict.fromkeys(
        (str(meter.site), str(meter.meter)) for point in points for meter in point.meters
    )
    turn.connect(collecting=due.key)
    step_length, span = running.schedule.step, due.span
    if running.on_change:  # what the first value is to be compared with
        span = Span(start=span.start - step_length, end=span.end)
    turn.actions.append(Collect(key=due.key, meters=tuple(meters), span=span, step=step_length))


def _points(turn: Turn, running: Running) -> list[DataPoint] | None:
    offer = turn.setting.offers.by_specifier.get(running.specifier_id)
    if offer is None or not offer.points.keys() >= set(running.r_ids):
        return None
    return [offer.points[r_id] for r_id in running.r_ids]


def collected(turn: Turn, readings: Readings) -> None:
    """Write the report whose readings have come; readings that nobody waits for are passed over."""
    if readings.key != turn.link.collecting:
        return
    turn.connect(collecting="")
    due = next((due for due in turn.state.owed if due.key == readings.key), None)
    running = turn.state.running.get(due.report_request_id) if due else None
    points = _points(turn, running) if running else None
    if due is None or running is None or points is None:
        return
    if _reported_before(turn, due, readings):
        turn.state = replace(
            turn.state, owed=tuple(other for other in turn.state.owed if other is not due)
        )
        turn.note("report_not_repeated", request=running.report_request_id)
        _close(turn)
        return
    if _wait(turn, due, running, readings):
        return
    request_id = turn.fresh_id()
    written = report(
        running, points, due.span, readings, turn.now, lambda site, at: overridden(turn, site, at)
    )
    message = OadrUpdateReport(
        request_id=request_id,
        oadr_reports=(apart(written) if turn.options.one_value_per_interval else written,),
        ven_id=turn.registration.ven_id,
    )
    owed = tuple(other for other in turn.state.owed if other is not due)
    turn.state = replace(turn.state, owed=owed)
    turn.queue(Purpose.UPDATE, EI_REPORT, message, request_id, running.report_request_id)


def _wait(turn: Turn, due: Due, running: Running, readings: Readings) -> bool:
    """Put a report off while the last value of a meter is on its way: a site tells its samples when it can.

    A meter that is known to be silent keeps nobody waiting; what never comes is told as missing (dataQuality).
    """
    if running.window is not None or running.report_name == ReportName.STATUS:
        return False  # what is recorded is there; a status tells whether a site is heard
    last = due.span.end - running.schedule.step
    silent = {
        meter
        for meter, series in readings.series.items()
        if not any(one.start == last and one.energy_kwh is not None for one in series)
    }
    late = turn.now - due.span.end
    patience = turn.options.report_grace + min(
        turn.options.report_patience, running.schedule.every / 2
    )
    if silent <= turn.link.silent or late >= patience:
        turn.connect(silent=(turn.link.silent - readings.series.keys()) | silent)
        return False
    pause = max(min(late, patience - late), _SHORTEST_PAUSE)  # 5, 10, 20 s after the end, and so on
    later = replace(due, ready_at=turn.now + pause)
    turn.state = replace(
        turn.state, owed=tuple(later if one is due else one for one in turn.state.owed)
    )
    return True


def _reported_before(turn: Turn, due: Due, readings: Readings) -> bool:
    """Say whether a report of before a restore has no data left here: holes must not replace what the VTN has."""
    restored_at = turn.state.restored_at
    if restored_at is None or due.span.end > restored_at:
        return False
    return all(each.energy_kwh is None for series in readings.series.values() for each in series)


def updated(turn: Turn, outgoing: Outgoing, reply: Message | None) -> Sequence[str]:
    """Take the answer to a report.

    Returns:
        reportRequestIDs that the VTN cancels along with it, perhaps with a last report to follow; only the one that
        was delivered may be among them (rule 328).
    """
    answer = getattr(reply, "ei_response", None)
    if answer is not None and not answer.is_success:
        turn.note("report_not_taken", code=answer.response_code, request=outgoing.subject)
        if answer.response_code == str(INVALID_ID) and outgoing.subject in turn.state.running:
            # The VTN does not know the request: nothing more of it is wanted.
            turn.finish(outgoing.subject)
    _close(turn)
    cancel = reply.oadr_cancel_report if isinstance(reply, OadrUpdatedReport) else None
    if cancel is None:
        return ()
    return [each for each in cancel.report_request_ids if each == outgoing.subject]


def _close(turn: Turn) -> None:
    """Let requests end whose last report is delivered or given up."""
    busy = {due.report_request_id for due in turn.state.owed}
    busy |= {item.subject for item in turn.state.outbox if item.purpose is Purpose.UPDATE}
    for running in tuple(turn.state.running.values()):
        if running.state is State.CLOSING and running.report_request_id not in busy:
            step(running.state, Input.DONE)
            turn.finish(running.report_request_id)


def next_wake(turn: Turn) -> datetime | None:
    """Return when a report falls due next or may be collected; None: nothing is planned."""
    wishes = []
    for running in turn.state.running.values():
        if running.state is State.RUNNING:
            due_at = running.schedule.due_at(running.fallen_due)
            wishes.append(due_at)
    if turn.state.owed and not turn.link.collecting and not turn.queued(Purpose.UPDATE):
        wishes.append(turn.state.owed[0].ready_at)
    return min(wishes, default=None)
