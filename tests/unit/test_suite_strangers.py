"""Strangers that push, and cases for virtual time alone: what is right is accepted, what is wrong is found."""

import ssl
from datetime import UTC, datetime

import pytest

from certs.issue import openadr
from conformance.engine.catalogue import catalogue
from conformance.engine.masks import MASKS, Masks
from conformance.kit.case import Maturity
from conformance.kit.checks import network
from conformance.kit.oadr20b import build
from conformance.kit.transcript import Transcript
from tests.transcripts2b import Story


def pushed(status: int | None) -> Transcript:
    """Have a stranger push, and the device answer it, or not."""
    story = Story(mode="push", role="VEN")
    listing = build.distribute_event((), vtn_id="v", request_id="q", replying_to=None)
    request = story.ask(listing, wrong="no certificate")
    if status is not None:
        story.reply(request, None, status=status)
    return story.transcript


@pytest.mark.spec("OpenADR 2.0b section 9.2.1.1")
@pytest.mark.parametrize(("status", "right"), [(None, True), (403, True), (200, False)])
def test_a_stranger_is_not_served(status: int | None, *, right: bool) -> None:
    check, came = network.turns_away("no certificate"), network.stranger_came("no certificate")

    assert (check(pushed(status)) == []) is right
    assert came.count(pushed(status)) == 1


def test_a_stranger_whose_handshake_failed_has_come_too() -> None:
    story = Story(mode="push", role="VEN")
    assert network.stranger_came("no certificate").count(story.transcript) == 0

    story.mark("suite.unreachable", error="SSLError")

    assert network.stranger_came("no certificate").count(story.transcript) == 1


def test_every_mask_is_a_context_of_its_own() -> None:
    masks = Masks(openadr("ecc", datetime(2026, 5, 4, tzinfo=UTC)))
    made = [masks(name) for name in MASKS]

    assert len({id(context) for context in made}) == len(MASKS)
    assert all(masks(name) is context for name, context in zip(MASKS, made, strict=True))
    assert all(context.maximum_version is ssl.TLSVersion.TLSv1_2 for context in made)


def test_what_takes_months_is_not_stable() -> None:
    months = [case for case in catalogue().values() if case.timing.virtual_only]

    assert months
    assert all(case.maturity is not Maturity.STABLE for case in months)
