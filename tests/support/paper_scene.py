"""One ledger on a chain on paper, with everything that evidence can hold."""

from dataclasses import dataclass

from support.paper_chain import PaperChain, PaperNode
from support.paper_evidence import ISSUER_KEY, SERVICE_KEY, SERVICE_USCC, USCC, PaperLedger, corrected, donation

from chainsvc.evidence import Evidence
from chainsvc.network import Network
from chainsvc.record import FLAG_SIGNED
from chainsvc.verify import CheckpointSource, Verdict, verify
from chainsvc.verify.keys import RECEIPT, SUBMISSION


@dataclass
class Scene:
    """A signed ledger: a batch of seven donations, then the correction of one of them.

    Attributes:
        seq: A current entry.
        superseded: The corrected one.
        correction: Its correction.
    """

    chain: PaperChain
    ledger: PaperLedger
    seq: int
    superseded: int
    correction: int

    @property
    def network(self) -> Network:
        """The chain's descriptor."""
        return self.chain.network

    @property
    def node(self) -> PaperNode:
        """The chain as a node."""
        return PaperNode(self.chain)

    @property
    def checkpoint(self) -> CheckpointSource:
        """The chain's newest block as a checkpoint."""
        return CheckpointSource(self.chain.checkpoint())

    def evidence(self, seq: int | None = None) -> Evidence:
        """Return full evidence without a proof."""
        seq = self.seq if seq is None else seq
        return self.ledger.evidence(seq, submission=self.ledger.signed(seq), receipt=self.ledger.receipt(seq))

    def proven(self, seq: int | None = None) -> Evidence:
        """Return full evidence with a proof at the newest block."""
        return self.ledger.proven(self.evidence(seq))

    def ask_node(self, evidence: Evidence | bytes, at: int | None = None) -> Verdict:
        """Verify with the node."""
        data = evidence if isinstance(evidence, bytes) else evidence.to_bytes()
        return verify(data, self.network, self.node, at)

    def ask_checkpoint(self, evidence: Evidence | bytes, at: int | None = None) -> Verdict:
        """Verify with the newest checkpoint."""
        data = evidence if isinstance(evidence, bytes) else evidence.to_bytes()
        return verify(data, self.network, self.checkpoint, at)


def make_scene() -> Scene:
    """Return a fresh scene."""
    chain = PaperChain()
    chain.register_key(ISSUER_KEY, USCC, SUBMISSION)
    chain.register_key(SERVICE_KEY, SERVICE_USCC, RECEIPT)
    ledger = PaperLedger(chain, flags=FLAG_SIGNED)
    records = [donation(number, 100 + number) for number in range(7)]
    seqs = ledger.anchor(records)
    (correction,) = ledger.anchor([corrected(records[3], ledger.entry(seqs[3]).commitment, 80)])
    chain.mark(ledger.id, seqs[3], 1, (ledger.id, correction))
    return Scene(chain, ledger, seqs[5], seqs[3], correction)
