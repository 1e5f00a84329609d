"""Where a 2030.5 server is judged (meets ``kit.sep2.server_stage.ServerStage``): scripted clients and the operator."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from conformance.engine.errors import PreconditionError
from conformance.engine.sep2_operator import PlayedOperator
from conformance.engine.stage import PlayedStage
from conformance.kit.sep2.acts import ASSIGNMENT, PROGRAM
from conformance.kit.sep2.server_stage import Role
from conformance.kit.sep2.serving import FIRST
from conformance.kit.sep2.values import Account, Assignment, Program, limit
from conformance.peers.scriptsep2.client import ScriptedClient

DEFAULT: Final = 80.0
"""Percent of setMaxW to which the default of the usual program caps generation."""
_WAIT_S: Final = "30"
_STEP: Final = timedelta(milliseconds=50)
Make = Callable[[str], ScriptedClient]


class PlayedServerStage(PlayedStage):
    """One case's stage for a server."""

    url: str
    client: ScriptedClient
    operator: PlayedOperator
    _make: Make
    _clients: list[ScriptedClient]
    _post_s: int

    async def begin(self, url: str, make: Make, operator: PlayedOperator, post_s: int) -> None:
        """Bring the first client."""
        self.url, self.operator, self._post_s = url, operator, post_s
        self._make, self._clients = make, []
        self.client = self._bring(FIRST)

    def _bring(self, name: str) -> ScriptedClient:
        found = self._make(name)
        self._clients.append(found)
        self.mark("suite.identity", client=name, lfdi=found.lfdi)
        return found

    async def furnish(self) -> None:
        """Have the operator register the first client, with one program that is assigned to it."""
        await self.operator.register(Account(lfdi=self.client.lfdi, post_s=self._post_s))
        await self.operator.put_program(Program(id=PROGRAM, primacy=10, default=limit(DEFAULT)))
        await self.operator.put_assignment(
            Assignment(id=ASSIGNMENT, programs=(PROGRAM,)), self.client.lfdi
        )

    async def another_client(
        self, name: str, role: Role = "device", *, registered: bool = True
    ) -> ScriptedClient:
        """Return one more client."""
        found = self._bring(name)
        if registered and role == "aggregator":
            await self.operator.register_aggregator(found.lfdi)
        elif registered:
            await self.operator.register(
                Account(lfdi=found.lfdi, post_s=self._post_s, assignments=(ASSIGNMENT,))
            )
        return found

    async def end(self) -> None:
        """Close every client."""
        for client in getattr(self, "_clients", []):
            await client.close()

    async def find(self, url: Callable[[], str]) -> str:
        """Wait until the server listens.

        Raises:
            PreconditionError: it does not.
        """
        until = self.now + timedelta(seconds=float(self._values.get("start_up_s", _WAIT_S)))
        while not url():
            if self.now >= until:
                raise PreconditionError("the server does not listen")
            await self.sleep(_STEP)
        return url()
