"""In which namespace a peer is answered: that of its own last document, where documents of 2013 are taken at all.

A peer that only reads tells nothing of itself, so an operator says how those are answered that have not written yet.
Nothing of this is stored: after a restart it is learned again.
"""

from collections import OrderedDict
from dataclasses import replace
from typing import Final

from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.tables import Flavour

MOST: Final = 16_384
"""Peers that are remembered."""


class Tongues:
    """How peers are answered.

    Args:
        options: Of the utility.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._takes = options.old_namespace
        self._first = options.old_namespace and options.old_answers
        self._today = options.flavour
        self._old = replace(options.flavour, old=True)
        self._heard: OrderedDict[str, bool] = OrderedDict()

    def of(self, peer: str) -> Flavour:
        """Return how documents for a peer are written."""
        return self._old if self._heard.get(peer, self._first) else self._today

    def heard(self, peer: str, *, old: bool) -> None:
        """Take in which namespace a peer has written."""
        if not self._takes:
            return
        self._heard[peer] = old
        self._heard.move_to_end(peer)
        if len(self._heard) > MOST:
            self._heard.popitem(last=False)
