"""The offline verifier: an evidence file, a descriptor, and a node or a checkpoint give a verdict.

Nothing here or below imports a web framework, a database or web3.
"""

from chainsvc.verify.node import LiveNode
from chainsvc.verify.sources import CheckpointSource, Source
from chainsvc.verify.steps import verify
from chainsvc.verify.verdict import Facts, Finding, Outcome, Step, Verdict

__all__ = [
    "CheckpointSource",
    "Facts",
    "Finding",
    "LiveNode",
    "Outcome",
    "Source",
    "Step",
    "Verdict",
    "verify",
]
