"""Prices of CSIP-AUS (PRC-01 to PRC-05), by the lists of each rate component."""

from conformance.kit.sep2.acts import ASSIGNMENT, MINUTE, look
from conformance.kit.sep2.aus import AUS
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import responds
from conformance.kit.sep2.checks.prices import costs, read_at_most, responds_as_to_prices
from conformance.kit.sep2.checks.walk import polls, reads_all
from conformance.kit.sep2.conditions import read, responded
from conformance.kit.sep2.observations import read_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Price, Tariff

_WALK = "REQ-CSIPAUS-PRC-01-1"
_CACHED = "REQ-CSIPAUS-PRC-01-2"
_MEANS = "REQ-CSIPAUS-PRC-02-1"
_POLLS = "REQ-CSIPAUS-PRC-03-1"
_RSP = "REQ-CSIPAUS-PRC-04-1"
_CANCELLED = "REQ-CSIPAUS-PRC-04-2"
_CHANGED = "REQ-CSIPAUS-PRC-05-1"
_NEEDS = "CLI-AUS and CLI-PRICES"
_SOON = (("walk_s", "60"),)
TARIFF = "tariff"
ENERGY, NETWORK = "energy", "network"


async def _tariff(stage: ClientStage, *components: str) -> None:
    """Assign a tariff and wait until its components were read."""
    stage.utility.put_tariff(Tariff(id=TARIFF, components=components or (ENERGY,)), ASSIGNMENT)
    for name in components or (ENERGY,):
        stage.mark(f"component.{name}", mrid=stage.utility.mrid(f"{TARIFF} {name}"))
    await stage.until(read("TimeTariffIntervalList"), 4 * MINUTE, "read the prices")


def _price(
    stage: ClientStage, name: str, price: int, ahead: int, lasts: int, component: str = ENERGY
) -> Price:
    start = stage.now.replace(microsecond=0) + ahead * MINUTE
    made = Price(id=name, start=start, lasts=lasts * MINUTE, price=price)
    stage.utility.price(TARIFF, component, made)
    return made


@case(
    id="CSIPAUS-CLI-PRC-001",
    title="From its assignment to every price, and what stays is read once",
    purpose="Exposes a client that stops on the way to the prices, or reads the whole tariff at every poll.",
    public=("PRC-01",),
    requirements=(_WALK, _CACHED),
    checks=(
        reads_all(
            "TariffProfileList", "RateComponentList", "TimeTariffIntervalList", "ConsumptionTariffIntervalList",
            requirement=_WALK,
        ),
        read_at_most("RateComponentList", 3, requirement=_CACHED),
    ),
    observations=(read_seen("TariffProfileList", 5), read_seen("RateComponentList")),
    modes=AUS,
    facts=_SOON,
    applies_if=_NEEDS,
    mutants=("reads-components-always", "reads-no-steps"),
)  # fmt: skip
async def walk(stage: ClientStage) -> None:
    """Two components with prices, ten polls."""
    await _tariff(stage, ENERGY, NETWORK)
    _price(stage, "one", 25310, 5, 10)
    _price(stage, "two", 900, 5, 10, NETWORK)
    await stage.sleep(10 * MINUTE)


@case(
    id="CSIPAUS-CLI-PRC-002",
    title="A price is its number times the tariff's power of ten, in its interval, of its component",
    purpose="Exposes a client that leaves out the power of ten, mixes up components, or knows a price at a wrong time.",
    public=("PRC-02",),
    requirements=(_MEANS,),
    checks=(
        costs("before", ENERGY, "", requirement=_MEANS),
        costs("during", ENERGY, "25.31", requirement=_MEANS),
        costs("during", NETWORK, "-0.9", requirement=_MEANS),
        costs("next", ENERGY, "31", requirement=_MEANS),
        costs("after", ENERGY, "", requirement=_MEANS),
    ),
    observations=(response_seen("one", 2), response_seen("two", 2), response_seen("next", 3)),
    modes=AUS,
    facts=_SOON,
    applies_if=f"{_NEEDS} and CLI-STATE",
    needs=("state",),
    mutants=("minds-no-power-of-ten", "mixes-components-up"),
)
async def meaning(stage: ClientStage) -> None:
    """Two intervals that touch in one component, one, of a price below zero, in another."""
    await _tariff(stage, ENERGY, NETWORK)
    await look(stage, "before")
    one = _price(stage, "one", 25310, 3, 4)
    _price(stage, "next", 31000, 7, 3)
    _price(stage, "two", -900, 3, 7, NETWORK)
    await stage.until(responded("two", 2), 6 * MINUTE, "take the prices")
    await stage.sleep_until(one.start + MINUTE)
    await look(stage, "during")
    await stage.sleep_until(one.start + 5 * MINUTE)
    await look(stage, "next")
    await stage.until(responded("next", 3), 6 * MINUTE, "end the last price")
    await stage.sleep(MINUTE / 2)
    await look(stage, "after")


@case(
    id="CSIPAUS-CLI-PRC-003",
    title="Prices are read again at the pollRate of the tariffs",
    purpose="Exposes a client that reads its prices slower or faster than it is told.",
    public=("PRC-03",),
    requirements=(_POLLS,),
    checks=(
        polls(
            "TimeTariffIntervalList", MINUTE, requirement=_POLLS, too_often=_POLLS, after="tariff"
        ),
    ),
    observations=(read_seen("TimeTariffIntervalList", 4, after="tariff"),),
    modes=AUS,
    facts=_SOON,
    applies_if=_NEEDS,
    mutants=("reads-prices-seldom",),
)
async def rate(stage: ClientStage) -> None:
    """One component, ten minutes."""
    await _tariff(stage)
    stage.mark("tariff")
    await stage.sleep(11 * MINUTE)


@case(
    id="CSIPAUS-CLI-PRC-004",
    title="Responses to prices: one runs, one is cancelled before, one while it runs",
    purpose="Exposes a client that says nothing of prices, says it of a cancelled one, or by another document.",
    public=("PRC-04",),
    requirements=(_RSP, _CANCELLED),
    checks=(
        responds("runs", 1, 2, 3, requirement=_RSP),
        responds("never", 1, 6, requirement=_CANCELLED),
        responds("broken off", 1, 2, 6, requirement=_CANCELLED),
        responds_as_to_prices("runs", "never", "broken off", requirement=_RSP),
    ),
    observations=(
        response_seen("runs", 3),
        response_seen("never", 1),
        response_seen("broken off", 2),
    ),
    modes=AUS,
    facts=_SOON,
    applies_if=_NEEDS,
    mutants=("responds-as-to-controls", "minds-no-cancelled-price"),
)
async def answers(stage: ClientStage) -> None:
    """Three intervals; responseRequired is 03."""
    await _tariff(stage)
    _price(stage, "runs", 20000, 3, 2)
    never = _price(stage, "never", 30000, 12, 2)
    await stage.until(responded("never", 1), 3 * MINUTE, "receive the prices")
    _cancel(stage, never)
    await stage.until(responded("runs", 3), 9 * MINUTE, "end the price")
    broken = _price(stage, "broken off", 40000, 2, 20)
    await stage.until(responded("broken off", 2), 5 * MINUTE, "start the price")
    _cancel(stage, broken)
    await stage.until(responded("broken off", 6), 3 * MINUTE, "let the price go")
    await stage.sleep(2 * MINUTE)


def _cancel(stage: ClientStage, price: Price) -> None:
    fields = {name: getattr(price, name) for name in ("id", "start", "lasts", "price")}
    stage.utility.price(TARIFF, ENERGY, Price(**fields, created=stage.now, status=2))


@case(
    id="CSIPAUS-CLI-PRC-005",
    title="A component that comes later is found, and its prices are taken",
    purpose="Exposes a client that keeps the components of a tariff as it read them first.",
    public=("PRC-05",),
    requirements=(_CHANGED,),
    checks=(responds("later", 1, 2, 3, requirement=_CHANGED),),
    observations=(read_seen("TariffProfileList", 4),),
    modes=AUS,
    facts=_SOON,
    applies_if=_NEEDS,
    mutants=("keeps-first-components",),
)
async def more_components(stage: ClientStage) -> None:
    """One component, then two."""
    await _tariff(stage)
    await stage.sleep(2 * MINUTE)
    stage.utility.put_tariff(Tariff(id=TARIFF, components=(ENERGY, NETWORK)), ASSIGNMENT)
    _price(stage, "later", 1500, 4, 2, NETWORK)
    await stage.maybe(responded("later", 3), 8 * MINUTE, "take the price of the new component")
    await stage.sleep(MINUTE)
