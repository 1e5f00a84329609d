"""Answers of the 2030.5 server that are kept written are those that would be written anew, whatever happened."""

from datetime import datetime, timedelta
from random import Random  # noqa: TID251 - seeds the test's own draws

import pytest

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.server.devices import NewDevice
from gateway.protocols.sep2.server.issuing import Issuer
from gateway.protocols.sep2.server.operator import Operator
from gateway.protocols.sep2.server.options import CSIP_AUS, ServerOptions
from gateway.protocols.sep2.server.records import Kept, RefusedError, Turn
from gateway.protocols.sep2.server.server import Sep2Server
from gateway.protocols.sep2.server.telling import Teller
from gateway.protocols.sep2.server.terms import EventTerms
from tests.fakes import CountedIds
from tests.sep2_world import START

PEERS = tuple(str(number) * 40 for number in (1, 2, 3))
MANAGER = "9" * 40
CAP = sep.DERControlBase(op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=5000))


class Story:
    """A utility to which things happen at random."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)
        self.server = Sep2Server(ServerOptions(), CountedIds())
        self.operator, self.issuer = Operator(self.server), Issuer(self.server)
        self.now = START
        self.do(self.server.open(START))
        self.do(self.operator.register(NewDevice(lfdi=MANAGER), START))
        self.fsas = [self.do(self.operator.create_fsa(START)) for _ in range(2)]
        self.programs = [
            self.do(self.operator.create_program(sep.DERProgram, 5, [], START)) for _ in range(2)
        ]
        self.events: list[str] = []

    def do(self, turn: Turn) -> str:
        self.server.take(turn)
        return turn.told

    @property
    def registered(self) -> list[str]:
        return [name for name in PEERS if self.server.book.device(name)]

    def come_or_go(self) -> None:
        name = self.draw.choice(PEERS)
        if name in self.registered:
            self.do(self.operator.unregister(name, self.now))
        else:
            manager = self.draw.choice(["", MANAGER])
            self.do(self.operator.register(NewDevice(lfdi=name, manager=manager), self.now))

    def assign(self) -> None:
        if self.registered:
            names, on = [self.draw.choice(self.registered)], self.draw.random() < 0.7
            self.do(self.operator.assign(self.draw.choice(self.fsas), names, self.now, on=on))

    def attach(self) -> None:
        fsas, on = [self.draw.choice(self.fsas)], self.draw.random() < 0.7
        self.do(self.operator.attach(self.draw.choice(self.programs), fsas, self.now, on=on))

    def rank(self) -> None:
        primacy = self.draw.randrange(9)
        self.do(self.operator.set_primacy(self.draw.choice(self.programs), primacy, self.now))

    def issue(self) -> None:
        start = self.now + timedelta(seconds=self.draw.randrange(-30, 90))
        terms = EventTerms(start=start, duration=timedelta(seconds=self.draw.randrange(60, 120)))
        program = self.draw.choice(self.programs)
        self.events.append(self.do(self.issuer.create_control(program, CAP, terms, self.now)))

    def clear(self) -> None:
        self.do(self.issuer.clear(self.now, self.draw.choice(self.programs)))

    def respond(self) -> None:
        if self.events and self.registered:
            lfdi = self.draw.choice(self.registered)
            told = sep.Response(
                end_device_lfdi=lfdi, status=1, subject=self.draw.choice(self.events)
            )
            body = encode(told, CSIP_AUS)
            self.do(self.server.write("POST", self.server.responses(), body, lfdi, self.now))

    def mirror(self) -> None:
        if self.registered:
            lfdi = self.draw.choice(self.registered)
            told = sep.MirrorUsagePoint(
                mrid=lfdi[:32], role_flags=3, service_category_kind=0, status=1, device_lfdi=lfdi
            )
            self.do(self.server.write("POST", "/mup", encode(told, CSIP_AUS), lfdi, self.now))

    def rest(self) -> None:
        self.now += timedelta(seconds=self.draw.randrange(0, 40))

    def compare(self) -> None:
        fresh = Teller(self.server.book, self.server.options)
        for peer in (*PEERS, MANAGER):
            for one in self.server.book.entries.values():
                if self.server.book.sees(peer, one):
                    kept = told(self.server.teller, peer, one, self.now)
                    anew = told(fresh, peer, one, self.now)
                    assert kept == anew, (peer, one.href)


def told(teller: Teller, peer: str, one: Kept, now: datetime) -> bytes:
    try:
        return teller.tell(peer, one, "l=9", now)
    except RefusedError as error:
        return str(error.status).encode()


@pytest.mark.parametrize("seed", range(12))
def test_what_is_kept_written_is_never_stale(seed: int) -> None:
    story = Story(seed)
    deeds = (
        *(story.come_or_go, story.assign, story.attach, story.rank, story.issue, story.clear),
        *(story.respond, story.mirror, story.rest, story.rest),
    )
    for _ in range(50):
        story.draw.choice(deeds)()
        story.compare()


def test_a_large_aggregator_sees_every_change() -> None:
    story = Story(1)
    for number in range(60):
        new = NewDevice(lfdi=f"{number + 1000:040X}", manager=MANAGER)
        story.do(story.operator.register(new, story.now))
        story.compare()
