"""Registrations at the reference VTN.

Spec: OpenADR 2.0b section 8.4 and the rules named.
"""

from collections.abc import Callable
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.vtn2b.settings import Settings
from conformance.reference.vtn2b.state import Memory, Ven
from conformance.reference.wire2b import lasting, make, message, response, text

OK: Final = "200"
WRONG_ID: Final = "452"
PROFILES: Final = ("2.0b",)


class Registrations:
    """Who is registered."""

    def __init__(self, memory: Memory, settings: Settings, number: Callable[[str], str]) -> None:
        self._memory = memory
        self._settings = settings
        self._number = number

    def query(self, asked: Element, peer: str) -> Element:
        """Answer an oadrQueryRegistration; ids only for a VEN that is registered."""
        return self._created(OK, asked, self._of(peer))

    def create(self, asked: Element, peer: str) -> tuple[Element, Ven | None]:
        """Answer an oadrCreatePartyRegistration; return the VEN too when it is registered afresh."""
        registration_id, ven_id = text(asked, "ei:registrationID"), text(asked, "ei:venID")
        if registration_id:
            known = self._memory.vens.get(ven_id)
            if known is None or known.registration_id != registration_id or known.peer != peer:
                return self._created(WRONG_ID, asked, None), None
            known.pull, known.address = _way(asked)
            return self._created(OK, asked, known), None
        if ven_id and not self._may_have(ven_id, peer):
            return self._created(WRONG_ID, asked, None), None
        fresh = self._fresh(asked, ven_id, peer)
        return self._created(OK, asked, fresh), fresh

    def cancel(self, asked: Element, peer: str) -> Element:
        """Answer an oadrCancelPartyRegistration; wrong ids change nothing."""
        registration_id, ven_id = text(asked, "ei:registrationID"), text(asked, "ei:venID")
        known = self._memory.vens.get(ven_id)
        right = (
            known is not None and known.registration_id == registration_id and known.peer == peer
        )
        if right:
            del self._memory.vens[ven_id]
        return message(
            "oadr:oadrCanceledPartyRegistration",
            response(OK if right else WRONG_ID, text(asked, "pyld:requestID")),
            make("ei:registrationID", registration_id),
            make("ei:venID", ven_id) if ven_id else None,
        )

    def refused(self, asked: Element, code: str) -> Element:
        """Refuse a query or a registration."""
        return self._created(code, asked, None)

    def canceled(self, answer: Element) -> None:
        """Take a VEN's oadrCanceledPartyRegistration."""
        if text(answer, "ei:eiResponse/ei:responseCode") == OK:
            self._memory.vens.pop(text(answer, "ei:venID"), None)

    def _may_have(self, ven_id: str, peer: str) -> bool:
        """Say whether a VEN may ask for this id: one agreed beforehand, or its own; never that of another."""
        holder = self._memory.vens.get(ven_id)
        if holder is not None:
            return holder.peer == peer
        return ven_id in self._settings.pre_allocated

    def _of(self, peer: str) -> Ven | None:
        known = [ven for ven in self._memory.vens.values() if ven.peer == peer]
        return known[0] if known else None

    def _fresh(self, asked: Element, ven_id: str, peer: str) -> Ven:
        """Erase what an earlier registration of this VEN left, and make a new one (rule 406)."""
        earlier = self._of(peer)
        if earlier is not None:
            del self._memory.vens[earlier.ven_id]
        pull, address = _way(asked)
        ven = Ven(
            ven_id=ven_id or self._number("ven"),
            registration_id=self._number("registration"),
            peer=peer,
            pull=pull,
            address=address,
        )
        self._memory.vens[ven.ven_id] = ven
        return ven

    def _created(self, code: str, asked: Element, ven: Ven | None) -> Element:
        transports = make(
            "oadr:oadrTransports",
            make("oadr:oadrTransport", make("oadr:oadrTransportName", "simpleHttp")),
        )
        profiles = (
            make("oadr:oadrProfile", make("oadr:oadrProfileName", name), transports)
            for name in PROFILES
        )
        return message(
            "oadr:oadrCreatedPartyRegistration",
            response(code, text(asked, "pyld:requestID")),
            make("ei:registrationID", ven.registration_id) if ven is not None else None,
            make("ei:venID", ven.ven_id) if ven is not None else None,
            make("ei:vtnID", self._settings.vtn_id),
            make("oadr:oadrProfiles", *profiles),
            lasting("oadr:oadrRequestedOadrPollFreq", self._settings.poll),
        )


def _way(asked: Element) -> tuple[bool, str]:
    pull = text(asked, "oadr:oadrHttpPullModel", "true") == "true"
    return pull, text(asked, "oadr:oadrTransportAddress")
