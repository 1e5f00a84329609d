"""The client against a gateway over loopback sockets, in real and in virtual time."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.client import Plan, Refused, Site, SiteOptions
from gateway.domain.errors import MisuseError
from gateway.domain.intent import FailSafe
from gateway.domain.participation import Opt
from gateway.southbound.parts import Pace
from gateway.southbound.signer import KeyFileSigner
from gateway.southbound.verify import verified
from tests.client_world import START, World, cancelled, played, sample
from tests.southbound_fakes import FAILSAFE, MINUTE, PHX, sample_intent, sample_plan


async def test_a_plan_is_followed_and_its_question_answered() -> None:
    world = World()

    async def play() -> None:
        async with world.gateway.serve(), world.site() as site:
            intent = world.gateway.send_intent(sample_intent(START))
            world.gateway.send_plan(sample_plan(START, intent=intent))
            plans = site.plans()
            plan = await anext(plans)
            assert plan.import_max_kw_now == 120
            assert plan.import_max_kw_lowest == Decimal("71.13")
            assert (await plan.commit(kw=94.84))[0].taken
            plan = await anext(plans)
            assert world.clock.now() == START + 30 * MINUTE
            assert plan.import_max_kw_now == Decimal("71.13")
            plan = await anext(plans)
            assert world.clock.now() == START + 210 * MINUTE
            assert plan.import_max_kw_now == 120

    await played(world, play)

    desk = world.gateway.desk
    intent_id, commitment = desk.commitments[0]
    assert (intent_id, commitment.opt) == ("intent-1", Opt.IN)
    assert [(s.start, s.duration, s.kw) for s in commitment.steps] == [
        (START + 30 * MINUTE, 180 * MINUTE, Decimal("71.13"))
    ]
    assert [(at, i) for at, i, _ in desk.acks] == [(START, "intent-1")]
    assert not world.notices


@dataclass
class Afternoon:
    """Two hours of a utility that changes its mind, a meter, and two consumers."""

    world: World = field(default_factory=World)

    async def utility(self, _: Site) -> None:
        gateway, clock = self.world.gateway, self.world.clock
        for n in range(24):
            await self.world.until(5 * n + 1)
            if n % 6 == 2:
                gateway.send_intent(sample_intent(clock.now(), intent_id=f"i{n}"))
            gateway.send_plan(sample_plan(clock.now(), revision=n + 1))

    async def meter(self, site: Site) -> None:
        for n in range(120):
            await self.world.until(n + 1)
            await site.telemetry(sample(n))

    async def scheduler(self, site: Site) -> None:
        async for plan in site.plans():
            self.world.say(f"plan {plan.revision}")
            await plan.commit()

    async def acts(self, site: Site) -> None:
        async for intent in site.intents():
            self.world.say(f"intent {intent.id}")
            await intent.commit(kw=70)
            await intent.progress("holding", measured_kw=70.1)

    async def play(self) -> None:
        async with self.world.gateway.serve(), self.world.site() as site:
            parts = (self.utility, self.meter, self.scheduler, self.acts)
            tasks = [asyncio.create_task(self._held(part(site))) for part in parts]
            await self.world.until(120.5)
            await cancelled(*tasks)

    async def _held(self, part: Coroutine[None, None, None]) -> None:
        with self.world.clock.held():
            await part

    def told(self) -> list[str]:
        """What the gateway was told, in order, without signatures."""
        desk = self.world.gateway.desk
        told = (desk.calls, desk.heartbeats, desk.acks, desk.batches)
        return [repr(each) for kind in told for each in kind]


async def test_two_simulated_hours_leave_the_same_trace_twice() -> None:
    first, second = Afternoon(), Afternoon()
    for afternoon in (first, second):
        await played(afternoon.world, afternoon.play)

    assert first.world.trace == second.world.trace
    assert first.told() == second.told()
    words = [word for _, word in first.world.trace]
    assert [word for word in words if "plan" in word] == [f"plan {n + 1}" for n in range(24)]
    assert [word for word in words if "intent" in word] == [f"intent i{n}" for n in (2, 8, 14, 20)]
    kinds = [kind for kind, _, _ in first.world.gateway.desk.calls]
    assert kinds.count("telemetry") == 120
    assert len(first.world.gateway.desk.heartbeats) == 120.5 * 4 + 1


async def test_a_gateway_restarted_in_mid_stream_repeats_no_plan_and_gets_each_sample_once() -> (
    None
):
    world = World()
    gateway = world.gateway

    async def play() -> None:
        async with gateway.serve():
            site = world.site()
            await site.__aenter__()
            gateway.send_plan(sample_plan(START, revision=1))
            plans = site.plans()
            world.say(f"plan {(await anext(plans)).revision}")
            await site.telemetry(sample(0))
            await world.until(1)
        for n in range(1, 5):
            await world.until(n)
            await site.telemetry(sample(n))
        gateway.send_plan(sample_plan(world.clock.now(), revision=2))
        async with gateway.serve():
            world.say(f"plan {(await anext(plans)).revision}")
            await world.until(6)
            assert site.waiting_batches == 0
            await site.__aexit__(None, None, None)

    await played(world, play)

    assert [word for _, word in world.trace] == ["plan 1", "plan 2"]
    sent = [each for batch in gateway.desk.batches for each in batch.samples]
    assert sent == [sample(n) for n in range(5)]
    kinds = [kind for kind, _, _ in gateway.desk.calls]
    assert kinds.count("telemetry") == 5


async def test_without_a_buffer_what_cannot_be_sent_is_counted_as_dropped() -> None:
    world = World()
    options = SiteOptions(back_off_s=2, buffer=False)

    async def play() -> None:
        async with world.gateway.serve():
            site = world.site(options=options)
            await site.__aenter__()
            await site.telemetry(sample(0))
            await world.until(1)
        await site.telemetry([sample(1), sample(2)])
        await world.until(2)
        assert site.dropped_samples == 2
        async with world.gateway.serve():
            await world.until(4)
            await site.telemetry(sample(3))
            await world.until(5)
            await site.__aexit__(None, None, None)

    await played(world, play)

    sent = [each for batch in world.gateway.desk.batches for each in batch.samples]
    assert sent == [sample(0), sample(3)]


async def test_the_lease_is_lost_once_and_regained_once() -> None:
    world = World()
    seen: list[FailSafe | None] = []

    async def lost(failsafe: FailSafe | None) -> None:
        seen.append(failsafe)
        world.say("lost")

    async def regained() -> None:
        world.say("regained")

    async def play() -> None:
        async with world.gateway.serve():
            site = world.site(on_lease_lost=lost, on_lease_regained=regained)
            await site.__aenter__()
            world.gateway.send_plan(sample_plan(START))
            await world.until(10)
            assert world.trace == []
        await world.until(20)
        assert site.lease_lost
        async with world.gateway.serve():
            await world.until(21)
            assert world.trace[-1][1] == "regained"
            await site.__aexit__(None, None, None)

    await played(world, play)

    assert seen == [FAILSAFE]
    assert [word for _, word in world.trace] == ["lost", "regained"]
    assert world.trace[0][0] <= START + 11 * MINUTE
    assert world.trace[0][0] >= START + 10 * MINUTE
    assert world.trace[1][0] <= START + 20.5 * MINUTE


async def test_a_site_without_a_gateway_loses_its_lease_and_finds_the_gateway_later() -> None:
    world = World()

    async def lost(failsafe: FailSafe | None) -> None:
        assert failsafe is None
        world.say("lost")

    async def play() -> None:
        async with world.gateway.serve():
            pass
        async with world.site(on_lease_lost=lost) as site:
            await world.until(3)
            assert [at for at, _ in world.trace] == [START + MINUTE]
            with pytest.raises(Refused) as refused:
                await Plan(sample_plan(START, intent=sample_intent(START)), site).commit()
            assert refused.value.problem.reason == "UNREACHABLE"
            async with world.gateway.serve():
                world.gateway.send_plan(sample_plan(world.clock.now()))
                assert (await anext(site.plans())).revision == 1
                await site.__aexit__(None, None, None)

    await played(world, play)


async def test_the_cursor_moves_only_when_the_consumer_is_done(tmp_path: Path) -> None:
    world = World()
    cursor = tmp_path / "cursor"
    seen: list[str] = []

    async def play() -> None:
        async with world.gateway.serve():
            for n in range(3):
                world.gateway.send_intent(sample_intent(START, intent_id=f"i{n}"))
            async with world.site(cursor_file=cursor) as site:
                intents = site.intents()
                seen.append((await anext(intents)).id)
                seen.append((await anext(intents)).id)  # the first is done, this one is not
            async with world.site(cursor_file=cursor) as site:
                intents = site.intents()
                seen.append((await anext(intents)).id)
                seen.append((await anext(intents)).id)

    await played(world, play)

    assert seen == ["i0", "i1", "i1", "i2"]


async def test_a_restarted_site_is_told_the_plan_again_and_sends_what_it_had_kept(
    tmp_path: Path,
) -> None:
    world = World()
    cursor, folder = tmp_path / "cursor", tmp_path / "buffer"

    async def play() -> None:
        async with world.gateway.serve():
            world.gateway.send_plan(sample_plan(START))
            async with world.site(cursor_file=cursor, buffer_dir=folder) as site:
                plans = site.plans()
                await anext(plans)
                await world.until(1)
        async with world.site(cursor_file=cursor, buffer_dir=folder) as site:
            await site.telemetry([sample(n) for n in range(3)])
            await site.telemetry(sample(3))
            await world.until(2)
        assert len(list(folder.iterdir())) == 1
        async with world.gateway.serve(), world.site(cursor_file=cursor, buffer_dir=folder) as site:
            assert (await anext(site.plans())).revision == 1
            await world.until(3)

    await played(world, play)

    assert list(folder.iterdir()) == []
    assert [len(batch.samples) for batch in world.gateway.desk.batches] == [4]


async def test_the_newest_plan_alone_is_given() -> None:
    world = World()

    async def play() -> None:
        async with world.gateway.serve(), world.site() as site:
            for n in range(50):
                world.gateway.send_plan(sample_plan(START, revision=n + 1))
            await world.until(1)
            assert (await anext(site.plans())).revision == 50

    await played(world, play)


async def test_other_content_under_a_known_revision_is_told_and_not_followed() -> None:
    world = World()
    gateway = world.gateway

    async def play() -> None:
        async with gateway.serve(), world.site() as site:
            gateway.send_intent(sample_intent(START))
            gateway.send_plan(sample_plan(START, revision=5))
            await world.until(1)
            gateway.send_plan(sample_plan(START, revision=5, intent=sample_intent(START)))
            gateway.send_plan(sample_plan(START, revision=4))
            other = sample_intent(START).model_copy(update={"priority": 0})
            gateway.send_intent(other)
            await world.until(2)
            plans = site.plans()
            plan = await anext(plans)
            assert (plan.revision, plan.document.open_questions) == (5, ())
            gateway.send_plan(sample_plan(START, revision=2**32 + 1))
            assert (await anext(plans)).revision == 2**32 + 1

    await played(world, play)

    conflicts = [notice.subject for notice in world.notices if notice.reason == "CONFLICT"]
    assert conflicts == ["plan", "intent-1"]
    assert len(gateway.desk.acks) == 1


async def test_a_repeated_revision_is_acknowledged_again_and_given_once() -> None:
    world = World()
    seen: list[str] = []

    async def play() -> None:
        async with world.gateway.serve(), world.site() as site:

            async def acts() -> None:
                with world.clock.held():
                    async for intent in site.intents():
                        seen.append(intent.id)  # noqa: PERF401 - an endless loop fills no list

            task = asyncio.create_task(acts())
            first = world.gateway.send_intent(sample_intent(START))
            await world.until(1)
            outbox = world.gateway.store.work.outbox
            outbox.items.append(
                type(outbox.items[0])(
                    **{
                        name: getattr(outbox.items[0], name)
                        for name in outbox.items[0].__slots__
                        if name != "sequence"
                    },
                    sequence=outbox.next_sequence(PHX),
                )
            )
            world.gateway.bells.ring(PHX)
            await world.until(2)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert first.revision == 1

    await played(world, play)

    assert seen == ["intent-1"]
    assert len(world.gateway.desk.acks) == 2
    assert not world.notices


async def test_a_stream_that_was_forgotten_begins_with_all_that_holds() -> None:
    world = World()
    gateway = world.gateway

    async def play() -> None:
        intents = [sample_intent(START, intent_id=f"i{n}") for n in range(4)]
        for intent in intents:
            gateway.send_intent(intent)
        gateway.send_plan(sample_plan(START, revision=9))
        gateway.store.work.outbox.forget(PHX, 3)
        async with gateway.serve(), world.site() as site:
            feed = site.intents()
            assert [(await anext(feed)).id for _ in range(4)] == [f"i{n}" for n in range(4)]
            assert (await anext(site.plans())).revision == 9

    await played(world, play)
    assert not world.notices


@pytest.mark.spec("RFC 7515 appendix F")
async def test_signatures_that_do_not_hold_are_told_and_not_followed() -> None:
    world = World()
    gateway = world.gateway

    async def play() -> None:
        async with gateway.serve(), world.site(verify=verified) as site:
            gateway.send_plan(sample_plan(START, revision=1))
            assert (await anext(site.plans())).revision == 1
            honest, gateway.signer = gateway.signer, KeyFileSigner.seeded(b"another")
            gateway.send_plan(sample_plan(START, revision=2))
            gateway.send_intent(sample_intent(START))
            await world.until(2)
            assert (await anext(site.plans())).revision == 1
            gateway.signer = honest
            gateway.send_plan(sample_plan(START, revision=3))
            await world.until(3)
            assert (await anext(site.plans())).revision == 3

    await played(world, play)

    assert {notice.reason for notice in world.notices} == {"SIGNATURE"}
    assert gateway.desk.acks == []


async def test_a_wrong_token_ends_the_loop_with_the_gateways_own_words() -> None:
    world = World()
    world.secret = "wrong"

    async def play() -> None:
        async with world.gateway.serve(), world.site() as site:
            with pytest.raises(Refused) as refused:
                await anext(site.plans())
            assert (refused.value.problem.status, refused.value.reason) == (401, "BAD_TOKEN")
            assert refused.value.problem.fix

    await played(world, play)


async def test_a_revoked_token_closes_the_stream_within_five_seconds() -> None:
    world = World()

    async def play() -> None:
        async with world.gateway.serve(), world.site() as site:
            world.gateway.send_plan(sample_plan(START))
            plans = site.plans()
            await anext(plans)
            await world.until(1)
            world.gateway.store.work.tokens.revoke(world.secret, world.clock.now())
            with pytest.raises(Refused):
                await anext(plans)
            assert world.clock.now() <= START + MINUTE + timedelta(seconds=5 + 2)

    await played(world, play)


async def test_answers_that_were_overtaken_do_not_end_a_schedulers_loop() -> None:
    world = World()

    async def play() -> None:
        async with world.gateway.serve(), world.site() as site:
            intent = world.gateway.send_intent(sample_intent(START))
            world.gateway.send_plan(sample_plan(START, intent=intent))
            plan = await anext(site.plans())
            world.gateway.send_intent(sample_intent(START, revision=2))
            answered = await plan.commit(kw=Decimal(121))
            assert [(a.taken, a.reason) for a in answered] == [(False, "STALE_REVISION")]
            nobody = sample_intent(START, intent_id="nobodys")
            with pytest.raises(Refused):
                await Plan(sample_plan(START, intent=nobody), site).commit()

    await played(world, play)


async def test_more_than_asked_is_in_part_and_a_refusal_has_a_reason() -> None:
    world = World()

    async def play() -> None:
        async with world.gateway.serve(), world.site() as site:
            intent = world.gateway.send_intent(sample_intent(START))
            world.gateway.send_plan(sample_plan(START, intent=intent))
            plan = await anext(site.plans())
            assert (await plan.commit(lowest_kw=80.00005))[0].taken
            await plan.decline("maintenance", "chiller 2")
            given = await anext(site.intents())
            await given.complete(delivered_kwh=Decimal("200.5"), lost_work={"flex_1": 0.04})

    await played(world, play)

    _, commitment = world.gateway.desk.commitments[0]
    assert (commitment.opt, commitment.steps[0].kw) == (Opt.PARTIAL, Decimal("80.001"))
    assert world.gateway.desk.rejections[0][1].reason == "maintenance"


async def test_a_sites_heartbeat_says_what_it_knows_and_fetches_a_plan_it_missed() -> None:
    world = World()
    gateway = world.gateway

    async def play() -> None:
        async with gateway.serve(), world.site() as site:
            gateway.send_intent(sample_intent(START, revision=3))
            gateway.send_plan(sample_plan(START, revision=1))
            await world.until(1)
            gateway.store.work.plans.put(sample_plan(START, revision=2))  # by another process
            plans = site.plans()
            assert (await anext(plans)).revision == 1
            assert (await anext(plans)).revision == 2
            assert world.clock.now() <= START + MINUTE + timedelta(seconds=15)
            gateway.store.work.plans.put(sample_plan(START, revision=1))  # an older copy
            await world.until(3)

    await played(world, play)

    _, last = gateway.desk.heartbeats[-1]
    assert (last.plan_revision, last.known) == (2, {"intent-1": 3})
    assert [n.reason for n in world.notices] == ["GATEWAY_BEHIND"]


async def test_a_site_with_both_or_neither_kind_of_token_is_refused() -> None:
    with pytest.raises(MisuseError):
        Site("http://127.0.0.1:1/v1", site=PHX)
    with pytest.raises(MisuseError):
        Site("http://127.0.0.1:1/v1", site=PHX, token="a", token_file="b")


async def test_scaled_pings_keep_a_stream_open() -> None:
    world = World()
    world.gateway.pace = Pace(ping_s=600, recheck_s=600)
    options = SiteOptions(heartbeat_s=600, stream_idle_s=2000, lease_s=3600)

    async def play() -> None:
        async with world.gateway.serve(), world.site(options=options) as site:
            world.gateway.send_plan(sample_plan(START))
            await world.until(600)
            assert not site.lease_lost

    await played(world, play)
    assert len(world.gateway.desk.heartbeats) <= 61
