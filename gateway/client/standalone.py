"""A site's client in one file, on the standard library alone: copy it to where nothing may be installed.

    site = Site("gw.example", 8443, "phx-1", "site.token")
    for plan in site.plans():  # the newest plan, again at each of its steps; reconnects by itself
        site.answer(plan, my_scheduler.reach(plan["import_max_kw_now"]))  # kW; None refuses

It reads the clock itself, checks no signatures, and keeps what waits in memory only; ``gateway.client`` does better.
"""

import json, threading, time  # noqa: E401, I001 - one file of 120 lines
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_CANONICAL: Json = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False}


class Site:
    """One site's connection; ``lost`` gets the fail-safe, ``refused`` holds problems (RFC 9457)."""

    def __init__(self, host: str, port: int, site: str, token_file: str, *, tls: Any = None,
                 beat_s: float = 15, lost: Callable[[Json], None] = lambda failsafe: None) -> None:  # fmt: skip
        self._where, self._tls, self._site, self._token = (host, port), tls, site, Path(token_file)
        self._lost, self._news, self._plan = lost, threading.Event(), Json(revision=0)
        self._known, self._todo, self._shut = dict[str, int](), dict[str, Json](), list[OSError]()
        self.refused, self._cursor, self._heard, self._lease_s = list[Json](), "0", time.monotonic(), 60.0  # fmt: skip
        for work, every_s in ((self._listen, 2.0), (self._beat, beat_s), (self._send, 0.2)):
            threading.Thread(target=self._keep, args=(work, every_s), daemon=True).start()

    def plans(self) -> Iterator[Json]:
        """Loop over what holds; ``PermissionError``: the gateway lets this site in no more."""
        while not self._shut:
            self._news.clear()
            now, plan, left = datetime.now(UTC), self._plan, threading.TIMEOUT_MAX
            for step in plan.get("segments", ()):
                end = step["end"] and datetime.fromisoformat(step["end"])
                if datetime.fromisoformat(step["start"]) <= now and (not end or now < end):
                    cap = Decimal(step["import_max_kw"] or plan["contracted_import_kw"])
                    yield plan | {"import_max_kw_now": cap}
                    left = (end - datetime.now(UTC)).total_seconds() if end else left
            self._news.wait(left)
        raise self._shut[0]

    def answer(self, plan: Json, kw: Decimal | None, reason: str = "infeasible") -> None:
        """Answer a plan's open questions: at most ``kw``, import positive; None refuses for a reason."""
        for asked in plan["open_questions"]:
            part = kw is not None and asked["asked_kw"] and kw > Decimal(asked["asked_kw"])
            word = {"reason": reason} if kw is None else {"opt": "partial" if part else "in"}
            path = f"intents/{asked['intent_id']}/{'rejection' if kw is None else 'commitment'}"
            self._todo[path] = word | {"revision": asked["revision"]}

    def telemetry(self, meter: str, start: datetime, seconds: int, energy_kwh: Decimal) -> None:
        """Give one metered interval; it is sent until the gateway has it."""
        sample = {"meter": meter, "start": start.isoformat(), "duration": f"PT{seconds}S"}
        samples = [sample | {"energy_kwh": str(energy_kwh)}]
        batch = {"samples": samples, "batch_id": f"{meter} {start.timestamp():.0f}"}
        self._todo[f"sites/{self._site}/telemetry#{meter} {start}"] = batch

    def _ask(self, path: str, body: Json | None = None, timeout: float = 10) -> HTTPResponse:
        head = {"Authorization": f"Bearer {self._token.read_text().strip()}"}
        head |= {"Last-Event-ID": self._cursor, "Content-Type": "application/json"}
        to = HTTPSConnection(*self._where, context=self._tls, timeout=timeout)
        to.request("POST" if body else "GET", f"/v1/{path}", json.dumps(body) if body else None, head)  # fmt: skip
        found = to.getresponse()
        if found.status in {408, 425, 429} or found.status >= 500:
            raise ConnectionError(f"{path}: {found.status}")
        self._heard = time.monotonic()
        if found.status in {401, 403}:
            self._shut.append(PermissionError(json.load(found)))
            self._news.set()
        elif found.status >= 300:  # often: a newer plan is on its way
            self.refused.append(json.load(found))
        return found

    def _keep(self, work: Callable[[], None], every_s: float) -> None:
        while not self._shut:
            with suppress(OSError, HTTPException, ValueError, KeyError):
                work()  # what fails is done again at the next turn; the lease runs meanwhile
            time.sleep(every_s)

    def _listen(self) -> None:
        for raw in self._ask("stream", timeout=45):  # three pings
            self._heard = time.monotonic()
            if raw.startswith(b"data: "):
                event = json.loads(raw[6:])
                data = event["data"]
                for intent in data.get("intents", [data] if ".intent." in event["type"] else []):
                    text = json.dumps(intent | {"signature": ""}, **_CANONICAL).encode()
                    seen = {"digest": sha256(text).hexdigest(), "sequence": intent["sequence"]}
                    seen |= {"receiver": self._site, "received_at": datetime.now(UTC).isoformat()}
                    self._known[intent["id"]] = seen["revision"] = intent["revision"]
                    self._todo[f"intents/{intent['id']}/ack"] = seen
                self._beat()
                self._cursor = str(int(event["sequence"]))

    def _beat(self) -> None:
        beat = {"at": datetime.now(UTC).isoformat(), "software": "standalone", "known": self._known}
        now = {"plan_revision": self._plan["revision"]}
        lease = json.load(self._ask(f"sites/{self._site}/heartbeat", beat | now))
        self._lease_s = lease["lease_s"]
        if lease["plan_revision"] > self._plan["revision"]:
            newest = json.load(self._ask(f"sites/{self._site}/plan"))
            if newest["revision"] > self._plan["revision"]:  # two threads may have fetched it
                self._plan = newest
                self._news.set()

    def _send(self) -> None:
        if time.monotonic() - self._heard > self._lease_s:
            self._heard += 1e9  # once, until something is heard again
            self._lost(self._plan.get("failsafe", {}))
        for path, body in list(self._todo.items()):
            self._ask(path.partition("#")[0], body)
            if self._todo.get(path) is body:
                del self._todo[path]
