"""TLS: the suite, chains of every length, and identities that must be refused (SunSpec COMM-003, COMM-004)."""

from dataclasses import dataclass

from conformance.kit.case import Case, Start
from conformance.kit.sep2.acts import MINUTE
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.handshakes import agrees, refuses
from conformance.kit.sep2.checks.walk import reads_all
from conformance.kit.sep2.conditions import read
from conformance.kit.sep2.observations import connected, read_seen, tried
from conformance.kit.sep2.utility import ClientStage

_SUITE = "REQ-SEP2-6.7-1"
_CHAIN = "REQ-SEP2-6.11-1"
_REFUSE = "REQ-SEP2-6.11-2"


@case(
    id="SEP2-CLI-TLS-003",
    title="TLS 1.2, ECDHE-ECDSA-AES128-CCM8, with a certificate of its own",
    purpose="Exposes a client with another suite, or without a certificate.",
    public=("COMM-003",),
    requirements=(_SUITE,),
    checks=(agrees("TLSv1.2", "ECDHE-ECDSA-AES128-CCM8", requirement=_SUITE),),
    observations=(read_seen("DeviceCapability"), connected()),
    start=Start.FRESH,
    mutants=("offers-gcm-alone",),
)
async def suite(stage: ClientStage) -> None:
    """Let it connect."""
    await stage.until(read("DeviceCapability"), 2 * MINUTE, "connect")


def _accepted(depth: int, letter: str) -> Case:
    async def script(stage: ClientStage) -> None:
        stage.utility.show(f"depth-{depth}")
        await stage.until(read("DERControlList"), 2 * MINUTE, "connect and walk")

    return case(
        id=f"SEP2-CLI-TLS-04{depth}",
        title=f"A chain of {depth} certificates is accepted",
        purpose="Exposes a client that knows chains of one length alone.",
        public=(f"COMM-004{letter}",),
        requirements=(_CHAIN,),
        checks=(
            reads_all("DeviceCapability", requirement=_CHAIN),
            agrees("TLSv1.2", "ECDHE-ECDSA-AES128-CCM8", requirement=_CHAIN),
        ),
        observations=(read_seen("DeviceCapability"), connected()),
        start=Start.FRESH,
        mutants=("offers-gcm-alone",),
    )(script)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    number: str
    title: str
    face: str
    mutant: str
    public: tuple[str, ...] = ()
    requirement: str = _REFUSE


def _refused(row: _Row) -> Case:
    async def script(stage: ClientStage) -> None:
        stage.utility.show(row.face)
        stage.mark("shown")
        await stage.sleep(3 * MINUTE)
        stage.utility.show("honest")
        stage.mark("honest")
        await stage.until(read("DeviceCapability"), 5 * MINUTE, "connect to the right server")

    return case(
        id=f"SEP2-CLI-TLS-{row.number}",
        title=row.title,
        purpose="Exposes a client that talks to whoever answers.",
        public=row.public,
        requirements=(row.requirement,),
        checks=(refuses("shown", "honest", requirement=row.requirement),),
        observations=(tried("shown", "honest"), read_seen("DeviceCapability", after="honest")),
        start=Start.FRESH,
        mutants=(row.mutant,),
    )(script)


CASES = (
    *(_accepted(depth, letter) for depth, letter in ((2, "A"), (3, "B"), (4, "C"))),
    *(
        _refused(row)
        for row in (
            _Row(
                number="101",
                title="A MICA with an extended key usage is refused",
                face="mica-extended-key-usage",
                public=("COMM-004D",),
                mutant="judges-no-chain",
            ),
            _Row(
                number="102",
                title="A MICA with name constraints that are not critical is refused",
                face="mica-name-constraint-not-critical",
                public=("COMM-004E",),
                mutant="judges-no-chain",
            ),
            _Row(
                number="103",
                title="A MICA with policy mappings is refused",
                face="mica-policy-mapping",
                public=("COMM-004F",),
                mutant="judges-no-chain",
            ),
            _Row(
                number="104",
                title="A server that signed its certificate itself is refused",
                face="self-signed",
                public=("COMM-004G",),
                mutant="trusts-anybody",
            ),
            _Row(
                number="105",
                title="A server of another hierarchy is refused",
                face="other-root",
                mutant="trusts-anybody",
            ),
            _Row(
                number="106",
                title="A certificate that has ended is refused",
                face="expired",
                mutant="trusts-anybody",
            ),
            _Row(
                number="107",
                title="A key on P-384 is refused",
                face="p384-key",
                mutant="judges-no-chain",
            ),
            _Row(
                number="108",
                title="A certificate without policies is refused",
                face="no-policies",
                mutant="judges-no-chain",
            ),
            _Row(
                number="109",
                title="A server without a suite of the profile is refused",
                face="no-common-cipher",
                mutant="offers-every-suite",
                requirement=_SUITE,
            ),
        )
    ),
)
