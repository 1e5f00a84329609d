"""What scripts of cases for servers do again and again: publish, look at the right instants, bring an aggregator."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from conformance.kit.sep2.acts import ASSIGNMENT, MINUTE, PROGRAM
from conformance.kit.sep2.client import Client
from conformance.kit.sep2.noticed import SOON, notified
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.values import Account, Content, Control, Program
from conformance.kit.stage import UnobservedError
from conformance.kit.transcript import Message
from conformance.kit.xml import Element

MARGIN: Final = timedelta(seconds=6)
"""Before and after an instant: more than clocks may differ."""
AFTER: Final = timedelta(seconds=26)
"""After the end of a control: then it is gone (S-ALL-41), also by a clock that is 5 s late."""
_SFX: Final = "40732"


async def offer(
    stage: ServerStage,
    name: str,
    base: Content,
    *,
    ahead: timedelta = MINUTE,
    lasts: timedelta = MINUTE,
    program: str = PROGRAM,
    **fields: object,
) -> Control:
    """Have a control published; mark it as ``<name>.published``.

    Args:
        stage: Where.
        name: Id of the control.
        base: What it controls.
        ahead: Time until it starts.
        lasts: Its duration.
        program: That it belongs to.
        fields: Further fields of ``Control``.
    """
    start = stage.now.replace(microsecond=0) + ahead
    made = Control(id=name, start=start, lasts=lasts, base=base, **fields)  # type: ignore[arg-type] # by name
    stage.mark(f"{name}.published")
    await stage.operator.publish(program, made)
    return made


async def cancel(stage: ServerStage, name: str, *, randomly: bool = False) -> None:
    """Have a control cancelled; mark it as ``<name>.cancelled``."""
    stage.mark(f"{name}.cancelled")
    await stage.operator.cancel(name, randomly=randomly)


async def set_default(
    stage: ServerStage,
    base: Content | None,
    settings: Content | None = None,
    *,
    program: str = PROGRAM,
) -> None:
    """Have a program's default replaced; mark it as ``default``."""
    stage.mark("default")
    await stage.operator.put_default(program, base, settings or {})


async def add_program(
    stage: ServerStage, name: str, primacy: int, default: Content, settings: Content | None = None
) -> None:
    """Have a program added to the usual assignment."""
    made = Program(id=name, primacy=primacy, default=default, default_settings=settings or {})
    await stage.operator.put_program(made, assigned=ASSIGNMENT)


async def see(client: Client, what: str = "DERControlList", of: str = PROGRAM) -> None:
    """Read a list to its end, or a resource."""
    if what.endswith("List"):
        await client.members(what, of)
    else:
        await client.read(what, of)


async def find(client: Client, name: str, program: str = PROGRAM) -> Element:
    """Read the controls of a program and return one.

    Raises:
        UnobservedError: it is not listed.
    """
    for one in await client.members("DERControlList", program):
        if one.findtext("{*}description") == name:
            return one
    raise UnobservedError(f"list control {name}")


async def see_at(
    stage: ServerStage, *instants: datetime, what: str = "DERControlList", of: str = PROGRAM
) -> None:
    """Look at these instants, those that have passed left out."""
    for at in sorted(set(instants)):
        if at >= stage.now:
            await stage.sleep_until(at)
            await see(stage.client, what, of)


async def see_life(stage: ServerStage, *controls: Control) -> None:
    """Look at the controls of a program before and after every start and end, and once more when they must be gone."""
    await see(stage.client)
    instants: set[datetime] = set()
    for one in controls:
        late = timedelta(seconds=max(0, one.random_start or 0) + max(0, one.random_lasts or 0))
        instants |= {one.start - MARGIN, one.start + MARGIN, one.end - MARGIN}
        instants.add(one.end + late + AFTER)
    await see_at(stage, *instants)


def managed_lfdi(number: int) -> str:
    """Return the LFDI of a device without a certificate of its own, as an aggregator makes it: its PEN at the end."""
    return f"{0xA66E4A7E << 96 | number:032X}{int(_SFX):08d}"


async def aggregator(
    stage: ServerStage, devices: int = 1, name: str = "aggregator", *, first: int = 1
) -> tuple[Client, Sequence[str]]:
    """Bring an aggregator with devices that it manages, all in the usual assignment.

    Args:
        stage: Where.
        devices: How many.
        name: Of the client.
        first: Number of the first device: those of two aggregators must differ.

    Returns:
        The client and the LFDIs of the devices.
    """
    client = await stage.another_client(name, "aggregator")
    lfdis = [managed_lfdi(number) for number in range(first, first + devices)]
    for lfdi in lfdis:
        await stage.operator.register(
            Account(lfdi=lfdi, assignments=(ASSIGNMENT,)), manager=client.lfdi
        )
    return client, lfdis


async def subscribe(
    client: Client, what: str, of: str = "", *, limit: int = 50, word: str = ""
) -> Message:
    """Read a resource, then subscribe to it.

    Args:
        client: Who.
        what: Name of the resource.
        of: As of ``Client.href``.
        limit: Most members in a notification.
        word: In which its address for notifications ends; empty: the resource's name.
    """
    await see(client, what, of)
    listener = await client.listen()
    where = await client.href(what, of)
    return await client.subscribe(where, uri=listener.at(word or what), limit=limit)


async def until_told(stage: ServerStage, what: str, of: str = "", *, mark: str = "") -> None:
    """Wait until a client was told of a resource, perhaps after a mark; a while longer than a server has."""
    await stage.until(notified(what, of, mark=mark), 2 * SOON, f"tell {what}")


async def read_back(stage: ServerStage, what: str, lfdi: str = "", *, name: str = "") -> None:
    """Read back what the server stored of an EndDevice, as the mark ``stored.<what>``, or under another name."""
    lfdi = lfdi or stage.client.lfdi
    found = await stage.operator.posted(lfdi, what)
    stage.mark(f"stored.{name or what}", **dict(found))
