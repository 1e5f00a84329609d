"""What a 2030.5 client writes in one busy hour, against the schemas of IEEE and CSIP-AUS where those lie beside us."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from gateway.domain.event import EventKey
from gateway.domain.names import EventId, UtilityName
from gateway.domain.participation import Opt, Participation
from gateway.protocols import xml
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.codec import Edition, Flavour
from tests.sep2_sayings import draws, furnished, opened
from tests.sep2_world import FLAVOUR, START, control, mrid

DATA = Path(__file__).parents[3] / "shared/data/ieee2030_5"
MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="the schemas of IEEE 2030.5 do not lie beside this checkout"
)


@pytest.mark.spec("IEEE 2030.5-2018 schema", "IEEE 2030.5-2023 schema", "CSIP-AUS schema")
@pytest.mark.parametrize(
    ("options", "flavour", "file"),
    [
        (Sep2Options(pin=111115, csip_aus=True), FLAVOUR, "csipaus-core.xsd"),
        (
            Sep2Options(pin=111115, edition="2023"),
            Flavour(edition=Edition.Y2023, csip_aus=False),
            "sep2_schema_2023.xsd",
        ),
    ],
)
def test_every_document_of_an_hour_is_valid(
    options: Sep2Options, flavour: Flavour, file: str
) -> None:
    threshold = sep.ActivePower(multiplier=3, value=100)
    server = furnished(availability_update_power_change_threshold=threshold)
    server.flavour = flavour
    if not options.csip_aus:
        (entry,) = server.resources["/edev"].end_device  # type: ignore[attr-defined] # a list
        server.put("/edev", [replace(entry, connection_point_link=None)])
    world = opened(server)
    world.options = options.model_copy(update={"connection_point": "6203456789"})
    dead = START + 20 * MINUTE, START + 40 * MINUTE
    world.metered = draws(lambda at: None if dead[0] <= at < dead[1] else Decimal(8000))
    world.start()
    world.run(timedelta(seconds=5))
    base = sep.DERControlBase(op_mod_target_w=sep.ActivePower(multiplier=3, value=-5000))
    server.put("/derp/1/derc", [control(1, START + 5 * MINUTE, 30, base=base)])
    world.run(START + 10 * MINUTE)
    out = Participation(
        event=EventKey(utility=UtilityName("apex"), event_id=EventId(mrid(1))),
        version=0,
        opt=Opt.OUT,
        reason="maintenance",
        decided_at=world.now,
        by="site:phx-1",
    )
    world._perform(world.session.on_decisions([replace(out)], world.now))
    world.run(START + 60 * MINUTE)

    schema = etree.XMLSchema(etree.parse(DATA / file))
    kinds = {type(one.value).__name__ for one in server.posted}
    assert kinds >= {
        *("DERCapability", "DERSettings", "DERStatus", "DERAvailability", "DeviceInformation"),
        *("PowerStatus", "LoadShedAvailability", "LogEvent", "MirrorUsagePoint"),
        *("MirrorMeterReading", "DERControlResponse"),
    }
    assert ("ConnectionPoint" in kinds) is options.csip_aus
    for one in server.posted:
        assert schema.validate(xml.parse(one.body)), (one.href, schema.error_log)
