"""The onboarding sheet: what a laboratory must trust, where the device must point, what somebody must be able to do."""

import hashlib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conformance.engine.errors import SuiteError
from conformance.engine.ixit import Ixit, Tls
from conformance.engine.plans import Plan
from conformance.kit.case import Start
from conformance.kit.oadr20b.names import BASE

_PAIRS: Final = 10
_FURNISHED: Final = ("register", "put_program", "put_assignment")
"""What the operator of a 2030.5 server does before a case in which the first client is registered."""


def sheet(plan: Plan, ixit: Ixit, folder: Path) -> str:
    """Write the sheet of one plan for one laboratory.

    Args:
        plan: That will be played.
        ixit: Where the suite listens and what drives the device.
        folder: Of the IXIT, to which its paths are relative.

    Raises:
        SuiteError: a certificate cannot be read.
    """
    parts = (_where(plan, ixit), _trust(ixit, folder), _do(plan, ixit), _time(plan))
    return "\n".join(line for part in parts for line in part) + "\n"


def _where(plan: Plan, ixit: Ixit) -> Iterator[str]:
    scheme = "http" if ixit.tls == "plain" else "https"
    yield f"# {plan.id} version {plan.version}: {plan.title}"
    yield ""
    yield "## Where to point"
    if plan.role == "ven":
        port = ixit.listen_port or "PORT"
        yield f"The device's VTN address is {scheme}://{ixit.host_name}:{port}{BASE}"
        if not ixit.listen_port:
            yield "Set listen_port in the IXIT first: 0 takes a free one at each start."
        yield f"The suite listens on {ixit.listen_host}; its vtnID is {ixit.vtn_id}."
        yield f"Market context of the events: {ixit.market_context}"
        if plan.mode == "push":
            told = ixit.transport_address or "what the device registers as oadrTransportAddress"
            yield f"The suite posts to {told}; the device must be reachable from it."
    elif plan.role == "srv":
        yield f"The suite's clients ask {ixit.server_url or 'server_url of the IXIT, which is not set'}"
        yield f"Notifications come to {ixit.listen_host}, known as {ixit.host_name}, at ports of their own."
    else:
        yield f"The suite posts to {ixit.vtn_url or 'vtn_url of the IXIT, which is not set'}"
        yield f"Its VENs call themselves {ixit.ven_name} and other names."
    yield ""


def _trust(ixit: Ixit, folder: Path) -> Iterator[str]:
    yield "## What to trust"
    if not isinstance(ixit.tls, Tls):
        told = (
            "plain HTTP, on loopback only"
            if ixit.tls == "plain"
            else "a test PKI made for each run"
        )
        yield f"The IXIT says tls: {ixit.tls} ({told}); a device outside this process needs files."
        yield "gridgate-certs init and issue make a test PKI: root, VTN and VEN certificates."
        yield ""
        return
    der = _leaf(folder / ixit.tls.certificate)
    yield f"The device must trust the authority of {folder / ixit.tls.certificate}."
    yield f"Fingerprint of the suite's certificate (2.0b section 10.5.1): {fingerprint(der)}"
    yield f"SHA-256 in full: {hashlib.sha256(der).hexdigest()}"
    yield f"The device's own certificate must be issued under {folder / ixit.tls.ca}."
    yield f"TLS profile: {ixit.tls.profile}."
    yield ""


def _leaf(path: Path) -> bytes:
    try:
        text = path.read_text()
        end = "-----END CERTIFICATE-----"
        return ssl.PEM_cert_to_DER_cert(text[: text.index(end) + len(end)].lstrip() + "\n")
    except (OSError, ValueError) as error:
        raise SuiteError(f"{path}: {error}") from None


def fingerprint(der: bytes) -> str:
    """Return the fingerprint as OpenADR writes it: the last ten bytes of the SHA-256, in pairs."""
    tail = hashlib.sha256(der).digest()[-_PAIRS:]
    return tail.hex(":").upper()


def _do(plan: Plan, ixit: Ixit) -> Iterator[str]:
    yield "## What somebody, or a program, must be able to do"
    yield f"Driver of the IXIT: {ixit.driver.kind}."
    wanted: dict[str, list[str]] = {}
    for case in plan.cases:
        for name in case.needs:
            wanted.setdefault(name, []).append(case.id)
        if plan.role == "srv":
            for name in _FURNISHED if case.start is Start.REGISTERED else ():
                wanted.setdefault(name, []).append(case.id)
        elif case.start is Start.FRESH:
            wanted.setdefault("start (or reset)", []).append(case.id)
    for name, cases in sorted(wanted.items()):
        yield f"* {name}: {len(cases)} case(s), e.g. {cases[0]}"
    yield "A method that is missing leaves its cases INCONCLUSIVE(driver)."
    yield ""


def _time(plan: Plan) -> Iterator[str]:
    minutes = sum(case.timing.lasts.total_seconds() for case in plan.cases) / 60
    yield "## How long"
    yield f"{len(plan.cases)} cases, about {minutes:.0f} min in real time."
