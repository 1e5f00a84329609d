"""The page of a run: what a hostile device sends is text in it; findings point at the exact bytes; it stands alone."""

import asyncio
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from lxml import etree
from lxml.html import document_fromstring

from conformance.engine.bundled import factory_of
from conformance.engine.conclude import finish
from conformance.engine.data import FOLDER
from conformance.engine.drivers.entry import Factory, Place
from conformance.engine.reports.document import Report
from conformance.engine.run import Order, play_run, prepare
from conformance.engine.sealed import load_key
from conformance.engine.wrong_devices import mutants
from conformance.kit.xml import Element
from conformance.mutants.altered_package import loaded

PLAN = "oadr20b-ven-pull"
CASE = "OADR20B-VEN-EVT-020"
EVIL = "\"'></pre></svg><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}\u202e"


class Attacker:
    """Sends markup wherever a device can put text."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def run(self) -> None:
        """Post a few hostile messages and leave."""
        clock = self._place.clock
        with clock.held():
            parts = urlsplit(self._place.url)
            reader, writer = await asyncio.open_connection(
                parts.hostname, parts.port, ssl=self._place.client_tls
            )
            evil = EVIL.encode()
            for body in (evil, b"<a>" + evil, b"\x00\xff\x1b[31m" + evil):
                size = f"Content-Length: {len(body)}\r\n\r\n".encode()
                head = b"POST /x" + evil.replace(b" ", b"") + b" HTTP/1.1\r\nHost: " + evil
                writer.write(head + b"\r\n" + evil[:9] + b": " + evil + b"\r\n" + size + body)
                await reader.readuntil(b"\r\n\r\n")
            writer.close()


def said(element: Element) -> str:
    return "".join(str(text) for text in element.itertext())


def judged(folder: Path, factory: Factory, order: Order) -> Path:
    prepared = prepare(order, factory)
    finish(folder, prepared.file, play_run(prepared, folder), load_key(None))
    return folder


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attacked")
    pics = yaml.safe_load((FOLDER / "oadr20b/reference/ven.pics.yaml").read_text())
    pics = {key: pics[key] for key in ("profile", "role", "items")}
    items = {
        name: {**claim, "support": {True: "yes", False: "no"}.get(claim["support"])}
        for name, claim in pics["items"].items()
    }
    named = dict.fromkeys(("vendor", "product", "version", "hardware"), EVIL)
    (folder / "pics.json").write_text(json.dumps({**pics, "items": items, **named}))
    ixit = {"operator": EVIL, "driver": {"kind": "python", "entry": "x:y"}, "values": {"a": EVIL}}
    (folder / "ixit.json").write_text(json.dumps(ixit))
    order = Order(
        plan=PLAN,
        pics=folder / "pics.json",
        ixit=folder / "ixit.json",
        only=(CASE,),
        time="virtual",
    )
    return judged(folder / "run", Attacker, order)


def test_nothing_that_a_device_sends_is_markup(attacked: Path) -> None:
    text = (attacked / "report.html").read_text()
    page = document_fromstring(text)

    assert "alert(1)" in said(page)
    assert not list(page.iter("script", "img", "iframe", "object", "embed", "link", "form", "base"))
    names = {name for element in page.iter(etree.Element) for name in element.attrib}
    assert not [name for name in names if str(name).lower().startswith("on")]
    links = [str(a.get("href", "")) for a in page.iter("a")]
    assert links
    assert all(link.startswith("#") for link in links)
    assert "{{7*7}}" in text
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import|https?://[^<]*\.(js|css|png)", text.split("<body>")[0])


def test_what_a_device_sends_breaks_neither_json_nor_junit(attacked: Path) -> None:
    report = Report.model_validate_json((attacked / "report.json").read_bytes())
    suite = etree.parse(str(attacked / "junit.xml")).getroot()

    assert report.device.vendor == EVIL
    assert report.pre_test
    assert len(suite) == int(suite.get("tests", "0")) == len(report.cases)


def test_a_finding_shows_the_exact_bytes_that_it_is_about(tmp_path: Path) -> None:
    wrong = next(m for m in mutants("oadr20b", "ven") if m.id == "opts-out-of-everything")
    with loaded(wrong.package, wrong.sources()) as package:
        run = judged(tmp_path / "run", factory_of(package, "ven"), Order(plan=PLAN, only=(CASE,)))

    page = document_fromstring((run / "report.html").read_text())

    assert said(next(page.iter("mark"))) == "<ei:optType>optOut</ei:optType>"
    place = re.search(r"Bytes (\d+) to (\d+) of (\S+)", said(page))
    assert place is not None
    body = (run / place[3]).read_bytes()
    assert body[int(place[1]) : int(place[2])] == b"<ei:optType>optOut</ei:optType>"


def test_the_page_says_what_a_customer_asks(tmp_path: Path) -> None:
    prepared = prepare(Order(plan=PLAN, only=(CASE,)))
    finish(tmp_path, prepared.file, play_run(prepared, tmp_path), load_key(None))
    text = said(document_fromstring((tmp_path / "report.html").read_text()))

    for word in (
        "This is a pre-test, no certification.",
        "the plan is a draft",
        prepared.file.plan.digest(),
        prepared.file.environment.schemas_sha256,
        "It could not be judged",  # the legend
        "market_context",  # IXIT
        "ELECTRICITY_PRICE price",  # PICS
        "REQ-OADR20B-R48-1",
        "Announce four prices",  # the script in words
        "TLSv1.2",
    ):
        assert word in text, word
