"""Child program: a VEN made with openleadr, driven by one JSON object per line of standard input.

Argument: a folder with ``setting.json`` (``url``, ``ven_name``, ``ven_id``, ``resource_id``) and, where TLS is wanted,
``cert.pem``, ``key.pem`` and ``ca.pem``. Each order ``{"do": METHOD, ...}`` is answered by a line ``{"done": METHOD}``
or ``{"failed": METHOD, "why": ...}``. The end of standard input ends the program.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from openleadr import OpenADRClient, objects

Order = Mapping[str, str]


class Ven:
    """An operator's whole application around openleadr: takes every event and measures one load.

    Args:
        client: Of openleadr, not yet running.
        resource: That it measures.
    """

    def __init__(self, client: Any, resource: str) -> None:
        self._client = client
        self._kw = 400.0
        self._versions: dict[str, int] = {}
        client.add_handler("on_event", self._take)
        client.add_handler("on_update_event", self._take)
        sampling = objects.SamplingRate(
            min_period=timedelta(seconds=1), max_period=timedelta(hours=1), on_change=False
        )
        client.add_report(
            callback=lambda: self._kw,
            resource_id=resource,
            report_specifier_id="usage",
            r_id="power",
            report_name="TELEMETRY_USAGE",
            report_type="usage",
            measurement="powerReal",
            scale="k",
            sampling_rate=sampling,
        )
        client.add_report(
            callback=lambda: 1.0,
            resource_id=resource,
            report_specifier_id="status",
            r_id="online",
            report_name="TELEMETRY_STATUS",
            report_type="x-resourceStatus",
            reading_type="x-notApplicable",
            sampling_rate=sampling,
        )

    async def _take(self, event: Mapping[str, Any]) -> str:
        descriptor = event["event_descriptor"]
        self._versions[descriptor["event_id"]] = descriptor["modification_number"]
        return "optIn"

    async def _say(self, event_id: str, opt: str) -> None:
        await self._client.created_event("", event_id, opt, self._versions.get(event_id, 0))

    async def opt_out(self, order: Order) -> None:
        """Leave an event."""
        await self._say(order["event_id"], "optOut")

    async def opt_in(self, order: Order) -> None:
        """Join an event again."""
        await self._say(order["event_id"], "optIn")

    async def set_load(self, order: Order) -> None:
        """Have the meter show so many kilowatts."""
        self._kw = float(order["kw"])

    async def query(self, _: Order) -> None:
        """Ask what the VTN offers."""
        await self._client.query_registration()

    async def register(self, order: Order) -> None:
        """Register again, without the present ids if ``afresh`` is yes."""
        if order.get("afresh") == "yes":
            self._client.ven_id = self._client.registration_id = None
        await self._client.create_party_reregistration()

    async def cancel_registration(self, _: Order) -> None:
        """End the registration."""
        await self._client.cancel_party_registration()

    async def request_events(self, order: Order) -> None:
        """Ask for events and take them as if they had come by a poll."""
        limit = order.get("limit", "")
        _, told = await self._client.request_event(int(limit) if limit else None)
        if told.get("events"):
            await self._client._on_event(told)  # noqa: SLF001 - what its own poll does with the same message

    async def create_opt(self, order: Order) -> None:
        """Opt for an event, or for a window of time."""
        event_id = order.get("event_id") or None
        window = None
        if event_id is None:
            length = timedelta(minutes=int(order.get("minutes", "60")))
            start = datetime.fromisoformat(order["start"])
            part = objects.VavailabilityComponent(dtstart=start, duration=length)
            window = objects.Vavailability(components=[part])
        await self._client.create_opt(
            opt_type=order["opt"],
            opt_reason="economic",
            targets=[objects.Target(ven_id=self._client.ven_id)],
            vavailability=window,
            event_id=event_id,
            modification_number=self._versions.get(event_id or "", 0),
            opt_id=order["opt_id"],
        )

    async def cancel_opt(self, order: Order) -> None:
        """Take an opt back."""
        await self._client.cancel_opt(order["opt_id"])


METHODS = {
    name: getattr(Ven, name)
    for name in (
        "opt_out",
        "opt_in",
        "set_load",
        "query",
        "register",
        "cancel_registration",
        "request_events",
        "create_opt",
        "cancel_opt",
    )
}


def _client(folder: Path, setting: Order) -> Any:
    secure = (folder / "cert.pem").exists()
    files = {
        "cert": str(folder / "cert.pem"),
        "key": str(folder / "key.pem"),
        "ca_file": str(folder / "ca.pem"),
    }
    return OpenADRClient(
        ven_name=setting["ven_name"],
        vtn_url=setting["url"],
        ven_id=setting.get("ven_id") or None,
        disable_signature=True,
        show_fingerprint=False,
        **(files if secure else {}),
    )


async def _obey(ven: Ven, line: bytes) -> dict[str, str]:
    order = json.loads(line)
    method = order["do"]
    doing = asyncio.create_task(METHODS[method](ven, order))
    await asyncio.wait({doing})
    error = doing.exception()  # whatever goes wrong in a foreign library is told
    if error is not None:
        return {"failed": method, "why": f"{type(error).__name__}: {error}"}
    return {"done": method}


async def main(folder: Path) -> None:
    """Run the VEN and obey until standard input ends."""
    setting = json.loads((folder / "setting.json").read_text())
    client = _client(folder, setting)
    ven = Ven(client, setting["resource_id"])
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    living = asyncio.create_task(client.run())
    while line := await orders.readline():
        sys.stdout.write(json.dumps(await _obey(ven, line)) + "\n")
        sys.stdout.flush()
    living.cancel()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
    os._exit(0)  # its scheduler leaves threads behind that would be waited for
