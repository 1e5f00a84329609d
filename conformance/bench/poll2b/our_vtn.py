"""Child program: our VTN, its queue in the store. Arguments: ``plain``, ``mtls`` or ``signed``, and the folder."""

import asyncio
import sys
from pathlib import Path

from conformance.bench.poll2b.meter import say, tell_until_closed
from conformance.bench.poll2b.place import VTN_ID, Place
from conformance.peers.vtn2b import UtilityPeer
from gateway.app.ids import SystemIds
from gateway.client.clock import SystemClock
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.signature.keys import signing_key
from gateway.protocols.oadr2b.signature.replay import Limits
from gateway.protocols.oadr2b.signature.sign import Sealer
from gateway.protocols.oadr2b.vtn_book import ExpectedVen, VtnOptions
from gateway.servers.vtn2b.app import HttpOptions
from gateway.servers.vtn2b.replay_journal import StoredJournal
from gateway.servers.vtn2b.security import Security, SecurityOptions
from gateway.servers.vtn2b.sql import SqlStore
from gateway.transport.schemas import load_oadr20b_schema
from gateway.transport.tls import openadr_server


async def serve(kind: str, place: Place) -> None:
    """Serve until standard input ends."""
    clock, ids = SystemClock(), SystemIds()
    codec = Codec(load_oadr20b_schema())
    store = SqlStore(place.folder / f"{kind}.db", codec)
    files = place.files("vtn")
    plain = kind == "plain"
    security = None
    if kind == "signed":
        key = signing_key(files.certificate.read_bytes(), files.key.read_bytes())
        # The bench polls hundreds of times as often as a VEN may.
        options = SecurityOptions(seal=Sealer(key, ids), limits=Limits(of_one_peer=1_000_000))
        security = Security(options, codec, clock, StoredJournal(store))
    expected = tuple(
        ExpectedVen(ven_id=name, fingerprints=() if plain else (fingerprint,))
        for name, fingerprint in place.vens.items()
    )
    utility = UtilityPeer(
        VtnOptions(vtn_id=VTN_ID, expected=() if plain else expected),
        clock=clock,
        ids=ids,
        codec=codec,
        tls=None if plain else openadr_server(files),
        store=store,
        http=HttpOptions(requests_per_s=0),
        security=security,
    )
    await utility.start()
    try:
        say({"port": utility.port})
        await tell_until_closed()
    finally:
        await utility.stop()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Place(Path(sys.argv[2]))))
