"""A foreign utility: the openleadr VTN in a process of its own, told what to do by JSON lines, telling likewise.

Arguments: port, certificate, key, trust anchor, and perhaps the fingerprint of the VEN: then everything is signed and
verified. Orders on stdin: ``{"do": "publish", …}``, ``{"do": "cancel", …}``.
What happens is printed as JSON lines: ``ready``, ``registered``, ``report``, ``opt``, ``values``.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from openleadr import OpenADRServer

VEN_ID = "ven-foreign-1"
OUT = sys.stdout


def tell(word: str, **fields: object) -> None:
    OUT.write(json.dumps({"word": word, **fields}) + "\n")
    OUT.flush()


async def on_register(info: dict[str, Any]) -> tuple[str, str]:
    tell("registered", ven_name=info["ven_name"])
    return VEN_ID, "registration-1"


async def on_report(
    ven_id: str,
    resource_id: str,
    measurement: str,
    unit: str,
    scale: str,
    min_sampling_interval: timedelta,
    max_sampling_interval: timedelta,
) -> tuple[Callable[..., Any], timedelta, timedelta] | None:
    tell("report", resource=resource_id, measurement=measurement, unit=unit, scale=scale)
    if unit != "W":
        return None  # it cannot read the values of a status report, and energy is not needed here
    callback = partial(on_values, resource_id=resource_id, measurement=measurement)
    return callback, min_sampling_interval, min_sampling_interval


async def on_values(data: list[tuple[datetime, float]], resource_id: str, measurement: str) -> None:
    values = [[at.isoformat(), value] for at, value in data]
    tell("values", resource=resource_id, measurement=measurement, values=values)


async def on_opt(ven_id: str, event_id: str, opt_type: str) -> None:
    tell("opt", event=event_id, opt=opt_type)


def publish(server: OpenADRServer, order: dict[str, Any]) -> None:
    start = datetime.fromisoformat(order["start"])
    lasts = timedelta(seconds=order["lasts_s"])
    server.add_event(
        ven_id=VEN_ID,
        signal_name=order["signal"],
        signal_type=order["type"],
        intervals=[{"dtstart": start, "duration": lasts, "signal_payload": order["value"]}],
        callback=on_opt,
        event_id=order["event"],
        market_context=order["context"],
        notification_period=timedelta(minutes=1),
    )


def known(ven_id: str, fingerprint: str) -> dict[str, str]:
    return {
        "ven_id": ven_id,
        "ven_name": "gridgate",
        "fingerprint": fingerprint,
        "registration_id": "registration-1",
    }


async def main(port: str, certificate: str, key: str, anchor: str, ven: str = "") -> None:
    signing = {"cert": certificate, "key": key, "ven_lookup": partial(known, fingerprint=ven)}
    server = OpenADRServer(
        vtn_id="vtn-foreign",
        http_port=int(port),
        http_cert=certificate,
        http_key=key,
        http_ca_file=anchor,
        requested_poll_freq=timedelta(seconds=1),
        verify_message_signatures=bool(ven),
        show_fingerprint=False,
        **(signing if ven else {}),
    )
    server.add_handler("on_create_party_registration", on_register)
    server.add_handler("on_register_report", on_report)
    await server.run()
    tell("ready")
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        if order["do"] == "publish":
            publish(server, order)
        else:
            server.cancel_event(VEN_ID, order["event"])


if __name__ == "__main__":
    sys.stdout = sys.stderr  # the library prints banners; stdout is for our lines alone
    asyncio.run(main(*sys.argv[1:]))
