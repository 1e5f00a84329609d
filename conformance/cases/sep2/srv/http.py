"""HTTP of a server: methods, what is not there, bodies that do harm (CORE-001, CORE-002)."""

from dataclasses import dataclass
from datetime import timedelta

from conformance.kit.case import Case, Maturity
from conformance.kit.sep2 import client_documents as documents
from conformance.kit.sep2.build import written
from conformance.kit.sep2.checks.answers import (
    answered,
    answers,
    done_well,
    heads,
    patient,
    refuses,
    unchanged,
)
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import case
from conformance.kit.sep2.server_stage import ServerStage

_HEAD = "REQ-SEP2-5.5-51"
_METHOD = "REQ-SEP2-5.5-52"
_HOST = "REQ-SEP2-5.5-53"
_ABSENT = "REQ-SEP2-5.5-54"
_HARM = "REQ-SEP2-5.5-55"
_LATER = "REQ-SEP2-5.5-56"
FLOOD = 300
_HEADED = (
    "DeviceCapability", "Time", "EndDeviceList", "EndDevice", "FunctionSetAssignmentsList", "DERProgramList",
    "DERControlList", "DefaultDERControl", "DERList",
)  # fmt: skip
_NEVER = (
    ("DeviceCapability", ("PUT", "POST", "DELETE")),
    ("Time", ("POST", "DELETE")),
    ("EndDeviceList", ("PUT", "DELETE")),
    ("EndDevice", ("POST",)),
    ("Registration", ("POST",)),
    ("FunctionSetAssignmentsList", ("PUT", "DELETE")),
    ("DERControlList", ("PUT", "DELETE")),
    ("DefaultDERControl", ("POST", "DELETE")),
    ("DERStatus", ("POST", "DELETE")),
    ("LogEventList", ("PUT", "DELETE")),
)
"""What the method table marks as an error."""


@case(
    id="SEP2-SRV-HTT-001",
    title="HEAD is answered as GET is, without a body",
    purpose="Exposes a server that refuses HEAD, or tells another length by it.",
    public=("CORE-001",),
    requirements=(_HEAD,),
    checks=(heads("head", requirement=_HEAD),),
    observations=(
        answered("head", len(_HEADED), method="HEAD"),
        done_well("head", len(_HEADED), method="GET"),
    ),
)
async def head(stage: ServerStage) -> None:
    """HEAD and GET everything on the way."""
    places = [await stage.client.href(what) for what in _HEADED]
    async with part(stage, "head"):
        for where in places:
            await stage.client.send("HEAD", where)
            await stage.client.get(where)


@case(
    id="SEP2-SRV-HTT-002",
    title="A method that a resource never takes is refused",
    purpose="Exposes a server that lets clients post, put or delete what is the utility's.",
    public=("CORE-001",),
    requirements=(_METHOD,),
    checks=(
        answers("never", 400, 405, requirement=_METHOD),
        unchanged("before", "after", requirement=_METHOD, besides=("currentTime", "localTime")),
    ),
    observations=(
        answered("never", sum(len(methods) for _, methods in _NEVER)),
        done_well("before", 4),
        done_well("after", 4),
    ),
)
async def never(stage: ServerStage) -> None:
    """Try every such method; read the resources before and after."""
    client = stage.client
    places = [(await client.href(what), methods) for what, methods in _NEVER]
    looked = [await client.href(what) for what in _HEADED[:4]]
    body = written(documents.log_event(stage.now, 1))
    for name in ("before", "after"):
        async with part(stage, name):
            for where in looked:
                await client.get(f"{where}?s=0&l=9")
        if name == "before":
            async with part(stage, "never"):
                for where, methods in places:
                    for method in methods:
                        sent = b"" if method == "DELETE" else body
                        await client.send(method, where, sent, wrong="a method that it never takes")


@case(
    id="SEP2-SRV-HTT-003",
    title="A method that nobody knows is refused",
    purpose="Exposes a server that takes any word for a GET.",
    public=("CORE-001", "CORE-002"),
    requirements=(_METHOD,),
    checks=(answers("strange", 400, 405, 501, requirement=_METHOD),),
    observations=(answered("strange", 4),),
)
async def strange_method(stage: ServerStage) -> None:
    """Ask for the entry and the list by a made-up method, and by one of another protocol."""
    places = [await stage.client.href(what) for what in ("DeviceCapability", "EndDeviceList")]
    async with part(stage, "strange"):
        for where in places:
            for method in ("BREW", "PROPFIND"):
                await stage.client.send(method, where, wrong="a method that nobody knows")


@case(
    id="SEP2-SRV-HTT-004",
    title="A request without Host is refused",
    purpose="Exposes a server that answers what HTTP/1.1 does not allow.",
    public=("CORE-001",),
    requirements=(_HOST,),
    checks=(answers("hostless", 400, requirement=_HOST),),
    observations=(answered("hostless"),),
    maturity=Maturity.WATCHLIST,  # the bundled server's HTTP library refuses it: no wrong server can be made of it
)
async def hostless(stage: ServerStage) -> None:
    """GET the entry without Host."""
    where = await stage.client.href("DeviceCapability")
    async with part(stage, "hostless"):
        await stage.client.send("GET", where, headers=(("Host", ""),), wrong="no Host")


@case(
    id="SEP2-SRV-HTT-005",
    title="What is not there is answered by 404",
    purpose="Exposes a server that answers any address, or breaks off.",
    public=("CORE-002",),
    requirements=(_ABSENT,),
    checks=(answers("absent", 404, requirement=_ABSENT),),
    observations=(answered("absent", 3),),
)
async def absent(stage: ServerStage) -> None:
    """GET addresses beside and below those that are there."""
    where = await stage.client.href("EndDevice")
    async with part(stage, "absent"):
        for path in ("/nowhere", f"{where}/nowhere", "/%00"):
            await stage.client.get(path, wrong="nothing lies there")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    number: str
    what: str
    body: bytes


_HEAD_OF = b'<?xml version="1.0"?>'
_OPEN = b'<DERStatus xmlns="urn:ieee:std:2030.5:ns">'
_BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


def _harmful(row: _Row) -> Case:
    @case(
        id=f"SEP2-SRV-HTT-{row.number}",
        title=f"{row.what} is refused, and the next request is served",
        purpose="Exposes a server that such a body brings down, or that takes it.",
        public=(),
        requirements=(_HARM,),
        checks=(
            refuses("harm", requirement=_HARM),
            answers("after", 200, requirement=_HARM),
        ),
        observations=(answered("harm"), done_well("after", got="DERStatus")),
    )
    async def script(stage: ServerStage) -> None:
        """PUT a right status, then the body that does harm; read the status."""
        where = await stage.client.href("DERStatus")
        await stage.client.put(where, documents.status(stage.now))
        async with part(stage, "harm"):
            await stage.client.send("PUT", where, row.body, wrong=row.what)
        async with part(stage, "after"):
            await stage.client.get(where)

    return script


deep = _harmful(
    _Row(
        number="011",
        what="A document of ten thousand levels",
        body=_HEAD_OF + _OPEN + b"<a>" * 10_000 + b"</a>" * 10_000 + b"</DERStatus>",
    )
)
entities = _harmful(
    _Row(
        number="012",
        what="A document full of entities",
        body=_HEAD_OF + _BOMB + _OPEN + b"<alarmStatus>&c;</alarmStatus></DERStatus>",
    )
)
empty = _harmful(_Row(number="013", what="A PUT of white space", body=b"  \n"))


@case(
    id="SEP2-SRV-HTT-020",
    title="Who asks very often is served, or told when to come again",
    purpose="Exposes a server that breaks off under load, or refuses without a word about when.",
    public=(),
    requirements=(_LATER,),
    checks=(
        patient("flood", requirement=_LATER),
        answers("after", 200, requirement=_LATER),
    ),
    observations=(answered("flood", FLOOD), done_well("after")),
    lasts=timedelta(minutes=5),
)
async def flood(stage: ServerStage) -> None:
    """Ask for the time three hundred times without a pause; wait as long as was asked, at most; ask once more."""
    where = await stage.client.href("Time")
    async with part(stage, "flood"):
        for _ in range(FLOOD):
            await stage.client.tries(where, wrong="")
    await stage.sleep(timedelta(minutes=5))
    async with part(stage, "after"):
        await stage.client.get(where)
