"""A token names site, issuer and environment, and each is checked (R-GUARD-2)."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.token_desk import NewToken, StoreDesk
from gateway.client.clock import SystemClock
from gateway.config.load import load
from gateway.domain.names import SiteId
from gateway.pipeline.ports import Work
from gateway.pipeline.records import TokenRecord
from gateway.southbound.tokens import SCOPES, Named, named_by, token_digest
from tests.cli_world import installation
from tests.fakes import CountedIds

HERE = SiteId("phx-1")


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway in test mode."""
    started = Gateway(
        load(installation(tmp_path)), Wiring(clock=SystemClock(), alone_on_host=False)
    )
    await started.start()
    yield started
    await started.stop()


async def status(gateway: Gateway, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{gateway.url}/v1/intents?site=phx-1"
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
        return answer.status


async def planted(gateway: Gateway, token: str, name: str, site: SiteId = HERE) -> str:
    """Put a token's record into the store by hand, as somebody would who copies rows."""
    office = gateway.office
    record = TokenRecord(
        name=name,
        sha256=token_digest(token),
        site=site,
        scopes=SCOPES,
        created_at=office.clock.now(),
    )

    def add(work: Work) -> None:
        work.tokens.add(record)

    await office.store.write(add)
    return token


def desk(gateway: Gateway, *, test_mode: bool) -> StoreDesk:
    office = gateway.office
    return StoreDesk(office.store, CountedIds(), office.clock, ("phx-1",), test_mode)


async def test_a_token_opens_its_own_environment_alone(gateway: Gateway) -> None:
    ours = await desk(gateway, test_mode=True).create(
        NewToken(name="a", site="phx-1", scopes=SCOPES)
    )
    live = await desk(gateway, test_mode=False).create(
        NewToken(name="b", site="phx-1", scopes=SCOPES)
    )

    said = named_by(ours)
    assert said is not None
    assert (said.test, said.site) == (True, HERE)
    assert await status(gateway, ours) == 200
    assert await status(gateway, live) == 401


async def test_a_token_of_another_store_or_site_opens_nothing_although_its_row_was_copied(
    gateway: Gateway,
) -> None:
    def identity(work: Work) -> str:
        return work.identity.store_id

    store_id = await gateway.office.store.read(identity)
    issuer = store_id.replace("-", "")[:8]
    good = Named(test=True, issuer=issuer, site=HERE).text("x" * 43)
    elsewhere = Named(test=True, issuer="00000000", site=HERE).text("y" * 43)
    other_site = Named(test=True, issuer=issuer, site=SiteId("phx-2")).text("z" * 43)

    assert await status(gateway, await planted(gateway, good, "good")) == 200
    assert await status(gateway, await planted(gateway, elsewhere, "elsewhere")) == 401
    assert await status(gateway, await planted(gateway, other_site, "other")) == 401


def test_what_says_nothing_of_itself_is_no_named_token() -> None:
    for text in ("", "x" * 43, "ggtest~a~b", "ggtest~a~b~c~d", "gghalf~a~b~c"):
        assert named_by(text) is None
