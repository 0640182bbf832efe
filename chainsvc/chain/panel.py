"""Asking several nodes at once: who answers, what a quorum says, and who is left out."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from chainsvc.chain.agreement import Fault, agreed
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.member import Member
from chainsvc.errors import (
    BlockGone,
    ChainsvcError,
    MalformedInput,
    NodesDisagree,
    NodeUnavailable,
    StateUnavailable,
)

V = TypeVar("V")
Question = Callable[[HttpNode], V]
"""Asks one node."""

_CALLS = 8  # to one node at once
_GARBLED = (KeyError, TypeError, ValueError, AttributeError)  # what reading an answer of another form raises


@dataclass(frozen=True, slots=True)
class Said(Generic[V]):
    """What a quorum says.

    Attributes:
        value: The answer, of the first node listed that gave it.
        agreeing: Who gave it.
        differing: Who gave another.
        answers: Each node's.
    """

    value: V
    agreeing: tuple[Member, ...]
    differing: tuple[Member, ...]
    answers: Mapping[Member, V]


class Panel:
    """Nodes of different institutions, each asked in threads of its own, so that none holds up the others."""

    def __init__(self, members: Sequence[Member], quorum: int, patience_s: float) -> None:
        """Ask these.

        Args:
            members: In the order in which one is preferred where one is enough.
            quorum: How many have to agree.
            patience_s: For how long the others are waited for once so many have answered.
        """
        self.members = tuple(members)
        self.quorum = quorum
        self._patience_s = patience_s
        self._pools = {member: ThreadPoolExecutor(_CALLS, thread_name_prefix="node") for member in members}

    def close(self) -> None:
        """Wait for what is under way, and close the connections."""
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)
        for member in self.members:
            member.node.close()

    @property
    def names(self) -> str:
        """The nodes, for people."""
        return ", ".join(member.name for member in self.members)

    @property
    def trouble(self) -> str | None:
        """What is wrong with which node, in words; None when all agree."""
        return "; ".join(told for member in self.members if (told := member.told)) or None

    def ask(self, question: Question[V]) -> dict[Member, V]:
        """Return what those answer that are not left out, in the order of the list.

        Where too few of them answer, those that were only silent are asked too.
        """
        answers = self._ask(question, [member for member in self.members if not member.rests])
        return answers if len(answers) >= self.quorum else self.ask_rest(question, answers)

    def ask_rest(self, question: Question[V], answers: Mapping[Member, V]) -> dict[Member, V]:
        """Add what those answer that are left out, but for another chain's and those whose word was wrong."""
        rest = [member for member in self.members if member.rests and not member.is_barred and member not in answers]
        found = {**answers, **self._ask(question, rest)}
        return {member: found[member] for member in self.members if member in found}

    def agree(self, question: Question[V], key: Callable[[V], Hashable] = lambda answer: answer) -> Said[V]:
        """Return what a quorum answers.

        Args:
            question: What to ask.
            key: What has to be equal.

        Raises:
            NodesDisagree: There is no such answer.
            NodeUnavailable: Too few answer at all.
            StateUnavailable: The nodes no longer have the state that was asked for.
        """
        answers = self.ask(question)
        found = self._said(answers, key)
        if found is None:
            answers = self.ask_rest(question, answers)
            found = self._said(answers, key)
        if found is None:
            self.require(answers)
            raise NodesDisagree(
                "the chain nodes do not agree",
                expected=f"one answer from {self.quorum} of {len(self.members)} nodes",
                got=f"{len({key(answer) for answer in answers.values()})} answers from {len(answers)}",
                where=", ".join(member.name for member in answers),
                hint="It passes when a fork heals; else compare their newest blocks, and ask who runs them.",
            )
        return found

    def first(self, question: Question[V]) -> V:
        """Return what the first node answers that can prove it.

        Args:
            question: Raises MalformedInput for what is not proven: that node is named and left out.

        Raises:
            NodeUnavailable: None can.
            StateUnavailable: None has the state that was asked for.
        """
        gone: StateUnavailable | None = None
        for member in sorted(self.members, key=lambda member: member.rests):
            if member.is_barred:
                continue
            try:
                answer = question(member.node)
            except StateUnavailable as error:
                gone = error
            except (ChainsvcError, *_GARBLED) as error:
                self._note(member, error)
            else:
                member.clear(Fault.SILENT, Fault.WRONG)
                return answer
        if gone is not None:
            raise gone
        raise self._too_few(0)

    def require(self, answers: Mapping[Member, V]) -> None:
        """Let pass when a quorum answered, whatever it said.

        Raises:
            NodeUnavailable: Fewer did.
        """
        if len(answers) < self.quorum:
            raise self._too_few(len(answers))

    def _said(self, answers: Mapping[Member, V], key: Callable[[V], Hashable]) -> Said[V] | None:
        found = agreed({member: key(answer) for member, answer in answers.items()}, self.quorum)
        if found is None:
            return None
        return Said(answers[found.agreeing[0]], found.agreeing, found.differing, answers)

    def _ask(self, question: Question[V], members: Sequence[Member]) -> dict[Member, V]:
        waiting = {self._pools[member].submit(question, member.node): member for member in members}
        open_ones, deadline = set(waiting), float("inf")
        found: dict[Member, V] = {}
        while open_ones and time.monotonic() < deadline:
            left = None if deadline == float("inf") else deadline - time.monotonic()
            done, open_ones = wait(open_ones, left, FIRST_COMPLETED)
            for future in done:
                self._take(waiting[future], future, found)
            if len(found) >= self.quorum:
                deadline = min(deadline, time.monotonic() + self._patience_s)
        for future in open_ones:
            future.cancel()
            waiting[future].blame(Fault.SILENT, f"no answer within {self._patience_s:.0f} s of the others'")
        return {member: found[member] for member in members if member in found}

    def _take(self, member: Member, future: "Future[V]", found: dict[Member, V]) -> None:
        try:
            found[member] = future.result()
        except (ChainsvcError, *_GARBLED) as error:
            self._note(member, error)
        else:
            member.clear(Fault.SILENT)

    def _note(self, member: Member, error: Exception) -> None:
        """What a node has not, or has no longer, it may keep to itself; silence and nonsense are told."""
        if isinstance(error, MalformedInput | KeyError | TypeError | ValueError | AttributeError):
            member.blame(Fault.WRONG, f"{type(error).__name__}: {error}"[:200])
        elif isinstance(error, BlockGone | StateUnavailable):
            member.clear(Fault.SILENT)
        elif isinstance(error, NodeUnavailable):
            member.blame(Fault.SILENT, error.got or error.message)

    def _too_few(self, count: int) -> NodeUnavailable:
        return NodeUnavailable(
            "too few chain nodes answer",
            expected=f"{self.quorum} of {len(self.members)}",
            got=count,
            where=self.trouble or self.names,
            hint="Are they running, and do they have the block? CHAINSVC_NODE_URLS lists them.",
        )
