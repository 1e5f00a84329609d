"""What an operator should know of what was read and nobody follows: curves, and prices of something else than power."""

from collections.abc import Iterator

from gateway.protocols.actions import Note
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.curves import summary
from gateway.protocols.sep2.client.nodes import Change
from gateway.protocols.sep2.client.pricing import unfit


def remarks(change: Change) -> Iterator[Note]:
    """Yield what there is to say of news; nothing of what says what it said before."""
    node = change.node
    if change.same or change.gone:
        return
    if node.kind is sep.DERCurveList:
        fields = {"href": node.href, "curves": summary(node.members)}
        yield Note(word="curves_not_followed", fields=fields)
    elif isinstance(node.value, sep.ReadingType):
        why = unfit(node.value)
        if why:
            yield Note(word="prices_not_followed", fields={"href": node.href, "why": why})
