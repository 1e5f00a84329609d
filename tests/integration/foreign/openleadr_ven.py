"""A VEN made with openleadr, in a process of its own; prints one JSON line for whatever it is asked.

Usage: openleadr_ven.py URL CERTIFICATE KEY CA [FINGERPRINT]

With the fingerprint of the VTN's signing certificate it signs what it sends and verifies what it is answered.
"""

import asyncio
import json
import sys
from datetime import timedelta

from openleadr import OpenADRClient


def tell(what: str, **fields: object) -> None:
    sys.stdout.write(json.dumps({"what": what} | fields) + "\n")
    sys.stdout.flush()


async def answer_event(event: dict[str, object]) -> str:
    signals = [
        (signal["signal_name"], [float(step["signal_payload"]) for step in signal["intervals"]])
        for signal in event["event_signals"]  # type: ignore[attr-defined]  # a dict of dicts, untyped over there
    ]
    descriptor = event["event_descriptor"]
    tell(
        "event",
        event_id=descriptor["event_id"],  # type: ignore[index]  # a dict of dicts, untyped over there
        version=descriptor["modification_number"],  # type: ignore[index]  # a dict of dicts, untyped over there
        status=descriptor["event_status"],  # type: ignore[index]  # a dict of dicts, untyped over there
        signals=signals,
    )
    return "optIn"


async def measure() -> float:
    return 412.5


async def main(url: str, certificate: str, key: str, ca: str, vtn: str = "") -> None:
    client = OpenADRClient(
        ven_name="foreign",
        vtn_url=url,
        cert=certificate,
        key=key,
        ca_file=ca,
        check_hostname=False,
        disable_signature=not vtn,
        vtn_fingerprint=vtn or None,
        show_fingerprint=False,
    )
    client.add_handler("on_event", answer_event)
    client.add_handler("on_update_event", answer_event)
    client.add_report(
        callback=measure,
        resource_id="dc-1",
        report_specifier_id="usage",
        r_id="power",
        report_name="TELEMETRY_USAGE",
        report_type="usage",
        measurement="powerReal",
        scale="k",
        sampling_rate=timedelta(seconds=1),
    )
    await client.run()
    tell("running", ven_id=client.ven_id)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
