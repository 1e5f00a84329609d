"""A transcript of a server under test in the making: the suite's clients ask, the server answers and notifies."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from conformance.kit.finding import Check, Finding
from conformance.kit.sep2.build import link, make, seconds, written
from conformance.kit.sep2.message import Sep2Message
from conformance.kit.sep2.names import XSI
from conformance.kit.sep2.orders import written as ordered
from conformance.kit.sep2.values import Control, aus_limit
from conformance.kit.transcript import Mark, Part, Side, Transcript
from conformance.kit.xml import Element

START = datetime(2026, 5, 4, 13, tzinfo=UTC)
LFDI = "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"
SEP = ("Content-Type", "application/sep+xml")
MRID = "258446A9629CB78A826FA2D300040732"
LIMIT = aus_limit("Exp", 2000)
MINUTE = timedelta(minutes=1)


class Served:
    """Every step takes no time unless it says otherwise."""

    def __init__(self) -> None:
        self.transcript = Transcript(case="CSIPAUS-SRV-CTL-001", mode="csipaus")
        self.at = START
        self.number = 0
        self.program()

    def wait(self, seconds: float) -> "Served":
        self.at += timedelta(seconds=seconds)
        return self

    def mark(self, name: str, **values: str) -> "Served":
        self.number += 1
        elapsed = (self.at - START).total_seconds()
        self.transcript.add(
            Mark(number=self.number, name=name, at=self.at, elapsed_s=elapsed, values=values)
        )
        return self

    def _add(
        self, sender: Side, part: Part, start: str, headers: object, body: bytes, **others: object
    ) -> int:
        self.number += 1
        told: dict[str, object] = {
            "number": self.number,
            "sender": sender,
            "part": part,
            "connection": 1,
            "exchange": self.number,
            "at": self.at,
            "elapsed_s": (self.at - START).total_seconds(),
            "start": start,
            "headers": headers,
            "body": body,
        }
        self.transcript.add(Sep2Message(**(told | others)))  # type: ignore[arg-type] # by name
        return self.number

    def asks(
        self,
        start: str,
        answer: Element | None = None,
        *,
        body: Element | None = None,
        status: int = 200,
        location: str = "",
        wrong: str = "",
    ) -> "Served":
        """Have a client of the suite ask and the server answer."""
        sent = b"" if body is None else written(body)
        asked = self._add(Side.SUITE, Part.REQUEST, f"{start} HTTP/1.1", (SEP,), sent, wrong=wrong)
        headers = (SEP, ("Location", location)) if location else (SEP,)
        said = b"" if answer is None else written(answer)
        self._add(Side.DEVICE, Part.RESPONSE, f"HTTP/1.1 {status} X", headers, said, exchange=asked)
        return self

    def notifies(self, path: str, notification: Element, status: int = 201) -> "Served":
        """Have the server notify a client of the suite."""
        asked = self._add(
            Side.DEVICE, Part.REQUEST, f"POST {path} HTTP/1.1", (SEP,), written(notification)
        )
        self._add(Side.SUITE, Part.RESPONSE, f"HTTP/1.1 {status} X", (), b"", exchange=asked)
        return self

    # --- of the usual program

    def program(self, primacy: int = 10) -> "Served":
        row = {
            "mRID": "0A",
            "description": "program",
            "DefaultDERControlLink": link("/p/dderc"),
            "DERControlListLink": link("/p/derc", 1),
            "primacy": primacy,
        }
        listed = make("DERProgramList", {"DERProgram": [row]}, {"all": 1, "results": 1})
        listed[0].set("href", "/p")
        return self.asks("GET /derp?s=0&l=9", listed)

    def orders(self, method: str, **values: str) -> "Served":
        """Have the operator do something."""
        return self.mark("driver.asked", method=method, **values)

    def publishes(self, given: Control) -> "Served":
        return self.orders("publish", program_id="program", controls=ordered([given]))

    def cancels(self, name: str, *, randomly: bool = False) -> "Served":
        return self.orders("cancel", control_id=name, randomly="yes" if randomly else "no")

    def defaults(self, base: object, settings: object = None) -> "Served":
        told = {"default": ordered(base), "settings": ordered(settings or {})}
        return self.orders("put_default", program_id="program", **told)

    def looks(self, *rows: Element) -> "Served":
        """Have a client read the list of controls whole."""
        return self.asks("GET /p/derc?s=0&l=255", listing(*rows))


def control(name: str = "one", **others: object) -> Control:
    """Return one that starts a minute after the beginning and lasts two."""
    told: dict[str, object] = {
        "id": name, "start": START + MINUTE, "lasts": 2 * MINUTE, "base": LIMIT
    }  # fmt: skip
    return Control(**(told | others))  # type: ignore[arg-type] # by name


def element(
    given: Control,
    status: int = 0,
    since: datetime = START,
    *,
    content: Mapping[str, object] | None = None,
    mrid: str = MRID,
    version: int | None = None,
) -> Element:
    """Return a control as a server shows it."""
    told: dict[str, object] = {
        "mRID": mrid,
        "description": given.id,
        "version": status if version is None else version,
        "creationTime": START,
        "EventStatus": {
            "currentStatus": status,
            "dateTime": since,
            "potentiallySuperseded": False,
        },
        "interval": {"duration": given.lasts, "start": given.start},
        "randomizeStart": given.random_start,
        "DERControlBase": dict(given.base),
    }
    attributes = {
        "href": f"/p/derc/{given.id}",
        "replyTo": "/rsp",
        "responseRequired": given.required,
    }
    return make("DERControl", told | dict(content or {}), attributes)


def listing(*rows: Element, every: int | None = None) -> Element:
    """Return a list of controls."""
    count = len(rows) if every is None else every
    return make("DERControlList", {"DERControl": list(rows)}, {"all": count, "results": len(rows)})


def notification(
    brings: Element | None,
    *,
    status: int = 0,
    resource: str = "/p/derc",
    subscription: str = "/s/1",
) -> Element:
    """Return a notification that brings a resource."""
    found = make(
        "Notification",
        {
            "subscribedResource": resource,
            "status": status,
            "subscriptionURI": f"https://localhost{subscription}",
        },
    )
    if brings is not None:
        kind = str(brings.tag).rpartition("}")[2]
        brings.tag = "{urn:ieee:std:2030.5:ns}Resource"
        brings.set(f"{{{XSI}}}type", kind)
        found.insert(1, brings)
    return found


def subscription(resource: str = "/p/derc", uri: str = "/n/1", limit: int = 10) -> Element:
    """Return a subscription."""
    content = {
        "subscribedResource": resource,
        "encoding": 0,
        "level": "+S1",
        "limit": limit,
        "notificationURI": f"https://127.0.0.1:1{uri}",
    }
    return make("Subscription", content)


def found(check: Check, story: Served) -> list[str]:
    """Return what a check finds: path and what was seen."""
    rows: list[Finding] = check(story.transcript)
    return [f"{one.path}: {one.observed}" for one in rows]


def stamp(at: datetime) -> int:
    """Return an instant as it stands on the wire."""
    return seconds(at)
