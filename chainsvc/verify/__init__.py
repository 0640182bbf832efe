"""The offline verifier: an evidence file, a descriptor, and a node, a checkpoint or validators' seals give a verdict.

Nothing here or below imports a web framework, a database or web3.
"""

from chainsvc.verify.node import LiveNode
from chainsvc.verify.sources import CheckpointSource, SealSource, Source
from chainsvc.verify.steps import verify
from chainsvc.verify.verdict import Facts, Finding, Outcome, Seals, Step, Verdict

__all__ = [
    "CheckpointSource",
    "Facts",
    "Finding",
    "LiveNode",
    "Outcome",
    "SealSource",
    "Seals",
    "Source",
    "Step",
    "Verdict",
    "verify",
]
