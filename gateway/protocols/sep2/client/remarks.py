"""What an operator should know of what was read: what nobody follows, and what a server may not have said so."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from gateway.protocols.actions import Note
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.curves import summary
from gateway.protocols.sep2.client.nodes import Change, Node
from gateway.protocols.sep2.client.pricing import unfit

MOST_NAMED: Final = 10
_BEARERS: Final = (
    *(sep.DERControl, sep.EndDeviceControl, sep.DERProgram, sep.DemandResponseProgram),
    *(sep.TariffProfile, sep.TimeTariffInterval, sep.MessagingProgram, sep.TextMessage),
)
"""Members of lists that are known by their mRID."""


def remarks(change: Change) -> Iterator[Note]:
    """Yield what there is to say of news; nothing of what says what it said before."""
    node = change.node
    if change.same or change.gone:
        return
    twice = _twice(node)
    if twice:
        yield Note(word="mrid_listed_twice", fields={"href": node.href, "mrids": " ".join(twice)})
    if node.kind is sep.DERCurveList:
        fields = {"href": node.href, "curves": summary(node.members)}
        yield Note(word="curves_not_followed", fields=fields)
    elif isinstance(node.value, sep.ReadingType):
        why = unfit(node.value)
        if why:
            yield Note(word="prices_not_followed", fields={"href": node.href, "why": why})


def _twice(node: Node) -> list[str]:
    """Return mRIDs that stand more than once in a list: only one of the things that bear it can be followed."""
    mrids = Counter(member.mrid for member in node.members if isinstance(member, _BEARERS))
    return [mrid for mrid, times in mrids.items() if times > 1][:MOST_NAMED]
