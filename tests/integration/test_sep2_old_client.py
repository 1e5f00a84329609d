"""A utility and a client of 2013, over TLS in virtual time."""

from pathlib import Path

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.tables import OLD, SEP
from tests.sep2_server_world import MINUTE, Premises, Sink, cap, furnish, statuses
from tests.sep2_world import START


async def test_everything_goes_on_in_the_namespace_of_2013(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    options = ServerOptions(poll_rate=60, post_rate=60, old_namespace=True, old_answers=True)
    async with site.utility(options) as utility:
        made = await furnish(utility, device.lfdi)
        event = await cap(utility, made.der, START + 3 * MINUTE, 5)
        async with site.gateway(device, utility.url, Sink(), old_namespace=True):
            await site.pass_time(START + 10 * MINUTE)
        assert statuses(utility, event) == [1, 2, 3]
        assert utility.told(sep.DERStatus)
        assert await utility.readings()
        exchanges = utility.transcript.after(0, 1000)
        bodies = [body for one in exchanges for body in (one.request, one.answer) if body]
        assert bodies
        assert all(OLD.encode() in body for body in bodies)
        assert not any(f'xmlns="{SEP}"'.encode() in body for body in bodies)
