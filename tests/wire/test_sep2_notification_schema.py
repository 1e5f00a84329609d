"""Subscriptions and notifications as we send them, against the schemas of IEEE and CSIP-AUS where those lie."""

from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from gateway.protocols import xml
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.client.own import wish
from gateway.protocols.sep2.codec import Edition, Flavour, encode
from gateway.protocols.sep2.server.devices import NewDevice
from gateway.protocols.sep2.server.issuing import Issuer
from gateway.protocols.sep2.server.operator import Operator
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Turn
from gateway.protocols.sep2.server.server import Sep2Server
from gateway.protocols.sep2.server.terms import EventTerms
from tests.fakes import CountedIds
from tests.sep2_world import LFDI, START

DATA = Path(__file__).parents[3] / "shared/data/ieee2030_5"
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="the schemas of IEEE 2030.5 do not lie beside this checkout"
)
FLAVOURS = {
    "2018": (Flavour(edition=Edition.Y2018), "sep2_schema_2018.xsd"),
    "2023": (Flavour(edition=Edition.Y2023), "sep2_schema_2023.xsd"),
    "csip_aus": (Flavour(edition=Edition.Y2018, csip_aus=True), "csipaus-core.xsd"),
}
URL = "https://gateway.example:8445/apex"


@pytest.mark.spec("IEEE 2030.5-2018 Subscription", "IEEE 2030.5-2018 Notification")
@pytest.mark.parametrize("name", FLAVOURS)
def test_what_subscribers_and_servers_send_is_valid(name: str) -> None:
    flavour, file = FLAVOURS[name]
    schema = etree.XMLSchema(etree.parse(DATA / file))

    def valid(body: bytes) -> None:
        assert schema.validate(xml.parse(body)), schema.error_log

    server = Sep2Server(ServerOptions(flavour=flavour), CountedIds())

    def do(turn: Turn) -> str:
        server.take(turn)
        return turn.told

    do(server.open(START))
    operator = Operator(server)
    do(operator.register(NewDevice(lfdi=LFDI), START))
    fsa = do(operator.create_fsa(START))
    do(operator.assign(fsa, [LFDI], START))
    program = do(operator.create_program(sep.DERProgram, 1, [fsa], START))
    device = server.book.device(LFDI)
    assert device is not None
    options = Sep2Options(
        edition="2023" if flavour.edition is Edition.Y2023 else "2018", notify_url=URL
    )
    kinds = {}
    for href, one in list(server.book.entries.items()):
        if getattr(one.value, "subscribable", None):
            body = encode(wish(f"https://utility.example{href}", options), flavour)
            valid(body)
            turn = server.write("POST", f"{device.href}/sub", body, LFDI, START)
            do(turn)
            assert turn.answer.status == 201
            kinds[one.kind.__name__] = turn.answer.location
    valid(server.read(f"{device.href}/sub", "l=99", LFDI, START).body)
    terms = EventTerms(start=START + timedelta(minutes=1), duration=timedelta(minutes=1))
    power = sep.DERControlBase(op_mod_fixed_w=-5000)
    do(Issuer(server).create_control(program, power, terms, START))
    do(operator.set_primacy(program, 9, START))
    default = sep.DefaultDERControl(mrid="0", set_grad_w=1, der_control_base=power)
    do(operator.set_default(program, default, START))
    server.subscribers.look(START)
    waiting = list(server.subscribers.watch.waiting)
    assert len(waiting) == 4  # controls, default, the program and the list of programs
    do(server.subscribers.end(kinds["EndDeviceList"], START))
    moved = "https://other.example/x"
    do(server.subscribers.end(kinds["EndDevice"], START, 2, moved))
    for href in (*waiting, kinds["EndDeviceList"], kinds["EndDevice"]):
        notice = server.subscribers.notice(href, START, "https://utility.example")
        assert notice is not None
        valid(notice.body)
