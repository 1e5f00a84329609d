"""A store and its keys belong together: the wrong files stop the start, with the fix."""

from pathlib import Path

import pytest

from certs.files import write
from certs.issue import openadr
from gateway.app.bootstrap import Gateway, Wiring
from gateway.client.clock import SystemClock
from gateway.config.load import load
from gateway.domain.errors import ConfigError
from tests.integration.test_foreign_vtn import CONFIG


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pki = openadr("ecc", SystemClock().now())
    for leaf, name in ((pki.ven("v-1"), "ven"), (pki.server(), "server")):
        write(leaf, tmp_path, name)
    (tmp_path / "anchor.pem").write_bytes(pki.anchor_pem)
    (tmp_path / "gateway.toml").write_text(CONFIG.format(port=9))
    return tmp_path


async def start(folder: Path) -> None:
    gateway = Gateway(load(folder / "gateway.toml"), Wiring(clock=SystemClock()))
    try:
        await gateway.start()
    finally:
        await gateway.stop()


async def test_a_gateway_starts_again_with_its_own_keys(folder: Path) -> None:
    await start(folder)
    keys = {path.name: path.read_bytes() for path in (folder / "var" / "keys").iterdir()}

    await start(folder)

    assert keys == {path.name: path.read_bytes() for path in (folder / "var" / "keys").iterdir()}


@pytest.mark.parametrize("name", ["installation.key", "evidence-log.key"])
async def test_a_lost_key_is_said_and_not_made_anew(folder: Path, name: str) -> None:
    await start(folder)
    (folder / "var" / "keys" / name).unlink()

    with pytest.raises(ConfigError, match=name):
        await start(folder)
