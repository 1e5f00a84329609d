"""TLS of a server: the suite, chains of every length, and clients that must be refused (COMM-003, COMM-004)."""

from dataclasses import dataclass

from conformance.kit.case import Case
from conformance.kit.sep2.checks.answers import answers, done_well
from conformance.kit.sep2.checks.refused import agrees, lets_nobody_in, tried
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import case
from conformance.kit.sep2.server_stage import ServerStage

_SUITE = "REQ-SEP2-6.7-51"
_CHAIN = "REQ-SEP2-6.11-51"
_REFUSE = "REQ-SEP2-6.11-52"
_CCM = ("TLSv1.2", "ECDHE-ECDSA-AES128-CCM8")


async def _connects(stage: ServerStage, name: str, face: str) -> None:
    """Connect under a face and ask for the entry."""
    await stage.client.hang_up()
    stage.client.wear(face)
    async with part(stage, name):
        await stage.client.tries(await stage.client.href("DeviceCapability"), wrong="")


@case(
    id="SEP2-SRV-TLS-003",
    title="TLS 1.2 with ECDHE-ECDSA-AES128-CCM8 is spoken to a client that has nothing else",
    purpose="Exposes a server that lacks the one suite that every device has.",
    public=("COMM-003",),
    requirements=(_SUITE,),
    checks=(
        agrees("alone", *_CCM, requirement=_SUITE),
        answers("alone", 200, requirement=_SUITE),
    ),
    observations=(tried("alone"), done_well("after", got="DeviceCapability")),
)
async def suite(stage: ServerStage) -> None:
    """Offer this suite alone; then connect as usual."""
    await _connects(stage, "alone", "ccm8-alone")
    await _connects(stage, "after", "honest")


def _accepted(depth: int, letter: str) -> Case:
    async def script(stage: ServerStage) -> None:
        await _connects(stage, "chain", f"depth-{depth}")
        await _connects(stage, "after", "honest")

    return case(
        id=f"SEP2-SRV-TLS-04{depth}",
        title=f"A client whose chain has {depth} certificates is let in",
        purpose="Exposes a server that knows chains of one length alone.",
        public=(f"COMM-004{letter}",),
        requirements=(_CHAIN,),
        checks=(
            agrees("chain", *_CCM, requirement=_CHAIN),
            answers("chain", 200, requirement=_CHAIN),
        ),
        observations=(tried("chain"), done_well("after", got="DeviceCapability")),
    )(script)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    number: str
    title: str
    face: str
    public: tuple[str, ...] = ()
    requirement: str = _REFUSE


def _refused(row: _Row) -> Case:
    async def script(stage: ServerStage) -> None:
        await _connects(stage, "before", "honest")
        await stage.client.hang_up()
        stage.client.wear(row.face)
        async with part(stage, "wrong"):
            where = await stage.client.href("DeviceCapability")
            await stage.client.tries(where, wrong=row.face)
        await _connects(stage, "after", "honest")

    return case(
        id=f"SEP2-SRV-TLS-{row.number}",
        title=f"{row.title} is not let in",
        purpose="Exposes a server that serves whoever connects, or looks at a part of the chain alone.",
        public=row.public,
        requirements=(row.requirement,),
        checks=(lets_nobody_in("wrong", requirement=row.requirement),),
        observations=(
            done_well("before", got="DeviceCapability"),
            tried("wrong"),
            done_well("after", got="DeviceCapability"),
        ),
    )(script)


CHAINS = (_accepted(2, "A"), _accepted(3, "B"), _accepted(4, "C"))
REFUSED = tuple(
    _refused(row)
    for row in (
        _Row(
            number="050",
            title="A client without a certificate",
            face="none",
            public=("COMM-003",),
            requirement=_SUITE,
        ),
        _Row(
            number="051",
            title="A client that offers no suite of the profile",
            face="no-common-cipher",
            requirement=_SUITE,
        ),
        _Row(number="052", title="A client whose certificate has ended", face="expired"),
        _Row(number="053", title="A client whose certificate has not begun", face="not-yet-valid"),
        _Row(number="054", title="A client of another hierarchy", face="other-root"),
        _Row(
            number="055",
            title="A client that signed its certificate itself",
            face="self-signed",
            public=("COMM-004G",),
        ),
        _Row(
            number="056", title="A client that leaves out its issuer", face="missing-intermediate"
        ),
        _Row(
            number="057",
            title="A client below an authority that may issue none",
            face="mica-no-authority",
        ),
        _Row(
            number="058",
            title="A client below an authority with an extended key usage",
            face="mica-extended-key-usage",
            public=("COMM-004D",),
        ),
        _Row(
            number="059",
            title="A client below an authority with a soft name constraint",
            face="mica-name-constraint-not-critical",
            public=("COMM-004E",),
        ),
        _Row(
            number="060",
            title="A client below an authority with a policy mapping",
            face="mica-policy-mapping",
            public=("COMM-004F",),
        ),
        _Row(number="061", title="A client with a key of RSA", face="rsa-key"),
        _Row(number="062", title="A client whose certificate names no policy", face="no-policies"),
        _Row(
            number="063",
            title="A client whose certificate has a critical extension that nobody knows",
            face="unknown-critical-extension",
        ),
    )
)
