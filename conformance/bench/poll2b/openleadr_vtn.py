"""Child program: openleadr's VTN, which stores nothing. Arguments: ``plain``, ``mtls`` or ``signed``; the folder."""

import asyncio
import sys
from pathlib import Path
from socket import create_server

from openleadr import OpenADRServer

from conformance.bench.poll2b.meter import say, tell_until_closed
from conformance.bench.poll2b.place import VTN_ID, Place


def free_port() -> int:
    """Return a port that nobody listens at just now."""
    with create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


async def serve(kind: str, place: Place) -> None:
    """Serve until standard input ends."""
    files, known = place.files("vtn"), place.vens
    identity = {"http_cert": files.certificate, "http_key": files.key, "http_ca_file": files.ca}
    signing = {"cert": files.certificate, "key": files.key}
    port = free_port()
    server = OpenADRServer(
        vtn_id=VTN_ID,
        http_port=port,
        show_fingerprint=False,
        verify_message_signatures=kind == "signed",
        ven_lookup=lambda ven_id: {
            "ven_id": ven_id,
            "ven_name": ven_id,
            "fingerprint": known[ven_id],
            "registration_id": "r",
        },
        **({} if kind == "plain" else identity),
        **(signing if kind == "signed" else {}),
    )
    out, sys.stdout = sys.stdout, sys.stderr  # it greets on standard output
    await server.run()
    sys.stdout = out
    say({"port": port})
    await tell_until_closed()
    await server.stop()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Place(Path(sys.argv[2]))))
