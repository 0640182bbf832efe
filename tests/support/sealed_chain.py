"""A chain on paper whose blocks validators seal, as QBFT or as clique does."""

from dataclasses import dataclass, field, replace

from support.paper_chain import PaperChain, Sealed
from support.paper_evidence import ISSUER_KEY, SERVICE_KEY, SERVICE_USCC, USCC, PaperLedger, donation
from support.paper_scene import Scene
from support.paper_seals import ADDRESSES, clique_header, qbft_header

from chainsvc.evidence import Evidence, Proof
from chainsvc.network import AT_ONCE, SEALERS, Engine, Network, Validators
from chainsvc.proof.header import Header
from chainsvc.proof.seals.following import threshold
from chainsvc.proof.seals.qbft import quorum
from chainsvc.record import FLAG_SIGNED
from chainsvc.verify.keys import RECEIPT, SUBMISSION
from chainsvc.verify.sources import Block

VALIDATORS = ADDRESSES[:4]


@dataclass
class SealedChain(PaperChain):
    """A chain of one engine.

    Attributes:
        finality: ``block`` is QBFT, ``sealers`` is clique.
        pinned: The validators of the descriptor.
        sealing: Who seals what comes next: all in turn, or a quorum of them.
    """

    finality: str = AT_ONCE
    pinned: tuple[Validators, ...] = (Validators(0, VALIDATORS),)
    sealing: tuple[bytes, ...] = VALIDATORS
    later: int = 0
    sealed_by: list[bytes] = field(default_factory=list)

    @property
    def network(self) -> Network:
        """The descriptor, with its validators."""
        engine = Engine("paper", self.finality, 1)
        return replace(super().network, engine=engine, validators=self.pinned)

    def seal(self) -> Block:
        """Close a block and have it sealed."""
        super().seal()
        plain = self.blocks.pop()
        parent = self.blocks[-1].block.hash if self.blocks else bytes(32)
        number, time, root = plain.block.number, plain.block.time, Header.parse(plain.header).state_root
        if self.finality == SEALERS:
            sealer = self.sealing[number % len(self.sealing)]
            header = clique_header(number, parent, time, root, sealer=sealer, sealers=self._set(number))
        else:
            needed = self.sealing[: quorum(len(self._set(number)))]
            header = qbft_header(number, parent, time, root, validators=self._set(number), sealed_by=needed, round_=2)
        block = Block(number, Header.parse(header).hash, time)
        self.blocks.append(Sealed(block, header, plain.storage))
        return block

    def _set(self, number: int) -> tuple[bytes, ...]:
        return next(epoch.addresses for epoch in reversed(self.pinned) if epoch.since <= number)

    def finish(self) -> None:
        """Seal empty blocks until what is there is final by the sealers after it."""
        for _ in range(threshold(len(self._set(len(self.blocks)))) if self.finality == SEALERS else 0):
            self.seal()
            self.later += 1

    def prove(self, evidence: Evidence, number: int | None = None) -> Proof:
        """Prove at a block, by default the newest with enough others after it, with the headers of those."""
        number = len(self.blocks) - 1 - self.later if number is None else number
        proof = super().prove(evidence, number)
        if self.finality != SEALERS:
            return proof
        return proof._replace(header=b"".join(sealed.header for sealed in self.blocks[number:]))


def sealed_scene(finality: str) -> Scene:
    """Return a signed ledger with a batch of four donations on such a chain, and evidence that can be proven."""
    chain = SealedChain(finality=finality)
    chain.register_key(ISSUER_KEY, USCC, SUBMISSION)
    chain.register_key(SERVICE_KEY, SERVICE_USCC, RECEIPT)
    ledger = PaperLedger(chain, flags=FLAG_SIGNED)
    seqs = ledger.anchor([donation(number, 100 + number) for number in range(4)])
    chain.finish()
    return Scene(chain, ledger, seqs[2], seqs[0], seqs[1])
