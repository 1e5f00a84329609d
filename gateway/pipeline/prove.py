"""Proof for others: heads of the log, and the bundle of one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.domain.errors import SessionError
from gateway.domain.points import Step
from gateway.domain.settlement import SettlementStatement
from gateway.pipeline.audit import selected
from gateway.pipeline.book import Office
from gateway.pipeline.ports import Work
from gateway.settlement.audit import build_audit
from gateway.settlement.checks.trail import is_earlier
from gateway.settlement.evidence import Evidence, Result, build_bundle, cited
from gateway.settlement.heads import SignedHead, sign_head
from gateway.settlement.merkle import Tree
from gateway.settlement.records import Logged, logged

HEAD: Final = "head"
LOG: Final = "log"
_CLOSING: Final = ("vee", "baseline", "settlement")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gathered:
    statement: SettlementStatement
    records: tuple[Logged, ...]
    leaves: tuple[bytes, ...]
    early: SignedHead | None


@dataclass(frozen=True, slots=True)
class Prover:
    """Issues heads and bundles."""

    office: Office

    async def head(self) -> SignedHead | None:
        """Sign the log as it stands and write the head into it, so that it cannot be taken back unseen.

        Returns:
            The head, or None while the log is empty.
        """
        leaves = await self.office.store.read(lambda work: work.log.leaf_hashes(work.log.size()))
        if not leaves:
            return None
        now = self.office.clock.now()
        root = Tree(leaves).root(len(leaves))
        head = sign_head(root, len(leaves), at=now, key=self.office.log_key)
        document = {"head": head.model_dump(mode="json")}
        await self.office.store.write(
            lambda work: work.log.append(HEAD, LOG, document, now), Step.HEAD
        )
        return head

    async def audit(
        self,
        *,
        since: datetime | None = None,
        subject: str | None = None,
        kinds: Sequence[str] = (),
    ) -> dict[str, bytes]:
        """Make an audit export of what is selected, as ``gateway.pipeline.audit.selected``.

        Returns:
            File name -> bytes.

        Raises:
            SessionError: ``NOT_FOUND`` when nothing was selected.
        """

        def look(work: Work) -> tuple[list[Logged], tuple[bytes, ...], SignedHead | None]:
            found = selected(work, since=since, subject=subject, kinds=kinds)
            records = [logged(entry.index, entry.record) for entry in found]
            early = _early_head(work, records[0].index) if records else None
            return records, work.log.leaf_hashes(work.log.size()), early

        records, leaves, early = await self.office.store.read(look)
        if not records:
            raise SessionError("NOT_FOUND", "the log holds nothing of that kind")
        key, now = self.office.log_key, self.office.clock.now()
        newest = sign_head(Tree(leaves).root(len(leaves)), len(leaves), at=now, key=key)
        return build_audit(
            records,
            leaves,
            [head for head in (early, newest) if head is not None],
            public_key=key.public,
        )

    async def bundle(self, statement_id: str, version: int | None = None) -> dict[str, bytes]:
        """Make the evidence bundle of one version of a statement, with the statements that it corrects.

        Args:
            statement_id: Which.
            version: None: the newest.

        Returns:
            File name -> bytes.

        Raises:
            SessionError: ``NOT_FOUND``.
        """
        found = await self.office.store.read(lambda work: _gather(work, statement_id, version))
        root = Tree(found.leaves).root(len(found.leaves))
        newest = sign_head(
            root, len(found.leaves), at=self.office.clock.now(), key=self.office.log_key
        )
        return build_bundle(
            Evidence(
                records=found.records,
                leaves=found.leaves,
                heads=[head for head in (found.early, newest) if head is not None],
                public_key=self.office.log_key.public,
                result=_result(found),
            )
        )


def _gather(work: Work, statement_id: str, version: int | None) -> _Gathered:
    statement = work.statements.get(statement_id, version)
    if statement is None:
        which = "" if version is None else f" in version {version}"
        raise SessionError("NOT_FOUND", f"there is no statement {statement_id}{which}")
    wanted = set(cited(statement))
    first = min(wanted)
    entries = work.log.at(wanted)
    closing = [
        logged(entry.index, entry.record)
        for entry in work.log.entries(kinds=_CLOSING, subject=statement.intent_id)
    ]
    own = [
        one for one in closing if _version(one) == statement.version or is_earlier(one, statement)
    ]
    records = [*(logged(entry.index, entry.record) for entry in entries), *own]
    return _Gathered(
        statement=statement,
        records=tuple(sorted(records, key=lambda one: one.index)),
        leaves=work.log.leaf_hashes(work.log.size()),
        early=_early_head(work, min(statement.inputs.event, default=first)),
    )


def _result(found: _Gathered) -> Result:
    """Put together what was logged when the statement was made; nothing is computed again by newer software."""
    closing = [
        one.document
        for one in found.records
        if one.record.k in _CLOSING and _version(one) == found.statement.version
    ]
    (vee,) = (document["vee"] for document in closing if document["k"] == "vee")
    baselines = [document["baseline"] for document in closing if document["k"] == "baseline"]
    return Result.model_validate(
        {
            "schema": "evidence-result/1",
            "statement": found.statement,
            "baselines": baselines,
            "vee": vee,
        }
    )


def _version(closing: Logged) -> object:
    return closing.document.get("version")


def _early_head(work: Work, before: int) -> SignedHead | None:
    """Return the last head that was issued before the event was known."""
    heads = [
        entry for entry in work.log.entries(kinds=(HEAD,), subject=LOG) if entry.index < before
    ]
    if not heads:
        return None
    document = logged(heads[-1].index, heads[-1].record).document
    return SignedHead.model_validate(document["head"])
