"""What a node says a call would come to: a value, or a contract's refusal."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

from chainsvc.chain.agreement import usual
from chainsvc.errors import ChainRefused

V = TypeVar("V")
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[V]):
    """A value or a refusal; two refusals for the same reason are equal.

    Attributes:
        value: None when it was refused.
        refused: Why, in words.
    """

    value: V | None
    refused: str | None = None
    _error: ChainRefused | None = field(default=None, compare=False)

    @classmethod
    def of(cls, call: Callable[[], V]) -> Self:
        """Make the call."""
        try:
            return cls(call())
        except ChainRefused as error:
            return cls(None, str(error), error)

    def or_raise(self) -> V:
        """Return the value.

        Raises:
            ChainRefused: There is none.
        """
        if self._error is not None:
            raise self._error
        assert self.value is not None
        return self.value


def told_by_most(answers: Mapping[K, Outcome[V]]) -> Outcome[V]:
    """Return the outcome that most nodes tell of."""
    return usual(answers).value
