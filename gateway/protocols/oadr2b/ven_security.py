"""VEN: reading what the VTN sends, with or without high security.

With ``xml_signature`` a message counts only when the certificate of the connection, or one that the settings name, has
signed it within the replay window. What was seen is part of the session's state: it is stored in the transaction in
which the message takes effect, so that no restart forgets it.

Spec: OpenADR 2.0b section 10.6, rule 514: a message without a valid signature is ignored.
"""

from dataclasses import replace
from typing import Final

from gateway.domain.errors import IdentityError
from gateway.protocols.actions import UNPROVEN, Message
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.signature.envelope import Trust, opened
from gateway.protocols.oadr2b.signature.replay import Limits, Remembered, ReplayWindow
from gateway.protocols.oadr2b.signature.verify import Policy
from gateway.protocols.oadr2b.ven_turn import Turn

MOST_STAMPS: Final = 2_048
"""Within one window; a VTN that pushes several messages each second for minutes is not believed."""


def window(options: VenOptions, before: Remembered) -> ReplayWindow:
    """Make the window of a session from what was stored."""
    width = options.signature_window
    limits = Limits(past=width, future=width, of_one_peer=MOST_STAMPS, of_all=MOST_STAMPS)
    return ReplayWindow(limits, before)


def read(turn: Turn, arrived: Message) -> wire.Message:
    """Read a message that may be believed.

    Raises:
        WireError: As ``Codec.decode`` does.
        IdentityError: ``SIGNATURE_…`` or ``REPLAY_…``, noted as ``UNPROVEN``; the message must have no effect.
    """
    setting, options = turn.setting, turn.options
    if not options.xml_signature:
        return setting.codec.decode(arrived.body)
    policy = Policy(sha1=options.signature_sha1, signature_last=options.signature_last)
    trust = Trust(signers=options.signature_fingerprints or (arrived.peer,), policy=policy)
    try:
        found = opened(setting.codec, arrived.body, trust, turn.now)
        if found.stamp is not None:
            setting.window.admit(found.signer, found.stamp, turn.now)
    except IdentityError as error:
        turn.note(UNPROVEN, service=arrived.service, reason=error.reason, detail=error.detail)
        raise
    turn.state = replace(turn.state, replay=setting.window.remembered())
    return found.message
