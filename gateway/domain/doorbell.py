"""A bell that any number of tasks may wait for, under every clock, without missing a ring."""

from datetime import datetime

from gateway.domain.ports import Clock, Mailbox


class Doorbell:
    """Counts rings; whoever knows an older count is told at once.

    Nothing is queued: a waiter learns that it rang, not how often, so memory stays at one mailbox per waiting task.

    Args:
        clock: Makes the mailboxes, so that a virtual clock waits for whoever is woken.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[Mailbox[None], None] = {}
        """In the order in which they came: a set's order is chance."""
        self.rings = 0
        """Rings so far; read it before looking at what the bell is about, then wait with it."""
        self._closed = False

    def ring(self) -> None:
        """Wake everybody who waits."""
        self.rings += 1
        waiting, self._waiting = self._waiting, {}
        for mailbox in waiting:
            mailbox.put(None)

    def close(self) -> None:
        """Ring for good: from now on nobody takes turns, so that whoever stops everything need not make room."""
        self._closed = True
        self.ring()

    async def wait(self, seen: int, until: datetime | None = None) -> int:
        """Return once it has rung more often than ``seen``, at ``until`` at the latest.

        Whoever was woken takes its turn: under a virtual clock the woken go on one by one, in the order in which they
        came, each when nobody else is at work. Else what they do would depend on how the network cuts messages.

        Returns:
            The count now; equal to ``seen`` when the instant came first.
        """
        if self.rings == seen:
            await self._rest(until)
            if self.rings != seen and not self._closed:
                await self._clock.sleep_until(self._clock.now())
        return self.rings

    async def _rest(self, until: datetime | None) -> None:
        mailbox: Mailbox[None] = self._clock.mailbox()
        self._waiting[mailbox] = None
        try:
            await mailbox.get(until)
        finally:
            self._waiting.pop(mailbox, None)
            while len(mailbox):  # rung while we were cancelled: what lies there holds a token
                await mailbox.get()
