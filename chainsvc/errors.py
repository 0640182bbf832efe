"""Every error of chainsvc, as one tree.

::

    ChainsvcError
    ├── InputRefused            what came in is wrong; the sender can mend it
    │   ├── MalformedInput      not parseable, not canonical, over a limit
    │   │   ├── BodyTooLarge    more bytes than the call takes
    │   │   └── HeaderRefused   a block header that breaks its engine's rules (carries the rule)
    │   ├── RecordRefused       a record breaks its schema or a rule (carries problems)
    │   ├── FileRefused         an export that no adapter can read
    │   ├── AddressRefused      a webhook's address that the service does not call
    │   └── SchemaUnknown       no such record schema
    ├── Conflict                right in form, but not possible now
    │   ├── ReferenceConflict   the same reference with other content
    │   ├── ChunkMixed          a part of a signed chunk can't go in (carries results)
    │   ├── EntryTaken          another intake stored some of a chunk's entries first (carries indices)
    │   ├── PolicyRefused       spends more than the ledger's policy allows
    │   ├── NotEntitled         what the organization hands over could not be anchored in time
    │   ├── LedgerClosed        the ledger takes no more entries
    │   ├── QueueFull           the local queue takes no more records
    │   ├── QueueBusy           another process is draining the local queue
    │   └── StandingRefused     the change of standing is not one of the allowed moves
    ├── NotFound                no such ledger, record or batch
    │   ├── RecordErased        it was deleted; only its place in the tree is left
    │   └── BlockGone           the chain has no such block, or no longer
    ├── NotReady                it exists, but is not final yet
    ├── AccessDenied            missing or wrong key
    │   └── Forbidden           a valid key without the right
    ├── SignatureRefused        a signature that does not verify, or a key not registered
    ├── Unavailable             a part is down; try again
    │   ├── NodeUnavailable
    │   │   ├── StateUnavailable     the node no longer has the state of that block
    │   │   ├── NodesDisagree        several nodes were asked, and no quorum of them says the same
    │   │   └── TransactionRefused   the node does not take the transaction (carries the reason)
    │   ├── DatabaseUnavailable
    │   ├── SignerUnavailable   who holds a key does not answer, or answers wrongly
    │   ├── KekTurned           the key-encryption key was replaced; wrap again (carries its check value)
    │   ├── LeaseLost           another worker has taken over
    │   ├── ProcessLost         a process that shared the work was killed
    │   └── ServiceUnavailable
    ├── StartRefused            starting would do harm
    │   ├── NetworkMismatch     another chain or another deployment
    │   ├── KeyMismatch         the key-encryption key is not the one the journal was written with
    │   └── ConfigurationRefused
    └── ChainRefused            a contract reverted (carries its error's name and arguments)

``code`` is the stable problem type of RFC 9457, ``status`` its HTTP status, and ``exit_code``
the exit status of the command line. Hostile input never raises anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class ChainsvcError(Exception):
    """One clear refusal: what was expected, what came, where, and what to do.

    Args:
        message: One sentence a clerk understands.
        expected: What would have been right, if it can be said.
        got: What came instead, shortened; never a secret or personal value.
        where: JSON Pointer, ``file:row:column``, step or parameter name.
        hint: What to do next.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        expected: object = None,
        got: object = None,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        """Keep each part apart, so that HTTP and the command line can show it their way."""
        super().__init__(message)
        self.message = message
        self.expected = None if expected is None else str(expected)
        self.got = None if got is None else str(got)
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """Return the whole refusal as one line."""
        parts = [self.message]
        if self.where:
            parts.append(f"at {self.where}")
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.got is not None:
            parts.append(f"got {self.got}")
        line = "; ".join(parts)
        return f"{line}. {self.hint}" if self.hint else line


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong place in a record.

    Attributes:
        pointer: JSON Pointer (RFC 6901) from the record's root.
        message: What is wrong, in one sentence.
        expected: What would have been right.
        got: What came, shortened.
    """

    pointer: str
    message: str
    expected: str | None = None
    got: str | None = None


class InputRefused(ChainsvcError):
    """What came in is wrong, and the sender can mend it."""

    code = "input-refused"
    status = 422
    exit_code = 3


class MalformedInput(InputRefused):
    """Not parseable, not canonical, or over a limit."""

    code = "malformed"
    status = 400


class BodyTooLarge(MalformedInput):
    """More bytes than the call takes; reading stopped at the limit."""

    code = "body-too-large"
    status = 413


class HeaderRefused(MalformedInput):
    """A block header that breaks a rule of its chain's engine, or that too few validators stand behind.

    Attributes:
        rule: Name of the first rule that does not hold, e.g. ``bad-seal`` or ``below-quorum``.
    """

    code = "header-refused"

    def __init__(
        self,
        rule: str,
        message: str,
        *,
        expected: object = None,
        got: object = None,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        """Put the rule's name before the message."""
        super().__init__(f"{rule}: {message}", expected=expected, got=got, where=where, hint=hint)
        self.rule = rule


class RecordRefused(InputRefused):
    """A record that breaks its schema or a rule; ``problems`` lists every place."""

    code = "record-refused"

    def __init__(self, message: str, problems: tuple[Problem, ...] = (), *, hint: str | None = None) -> None:
        """Show the first problem as the error's own place."""
        first = problems[0] if problems else Problem("", "")
        text = f"{message}: {first.message}" if problems else message
        super().__init__(text, expected=first.expected, got=first.got, where=first.pointer or None, hint=hint)
        self.problems = problems


class FileRefused(InputRefused):
    """An export file that no adapter can read."""

    code = "file-refused"


class BackupDamaged(InputRefused):
    """A backup whose files are not what its manifest says; nothing was restored."""

    code = "backup-damaged"

    def __init__(self, message: str, expected: str | None = None, got: str | None = None, where: str = "") -> None:
        """Name the file."""
        hint = "Use another copy of this backup, or the one before it."
        super().__init__(message, expected=expected, got=got, where=where, hint=hint)


class AddressRefused(InputRefused):
    """An address that the service does not call: of its own or a private network, or not over HTTPS."""

    code = "address-refused"


class SchemaUnknown(InputRefused):
    """A record names a schema that this version does not have."""

    code = "schema-unknown"


class Conflict(ChainsvcError):
    """Right in form, but not possible in the present state."""

    code = "conflict"
    status = 409
    exit_code = 4


class ReferenceConflict(Conflict):
    """The same ledger, reference and revision was notarized with other content."""

    code = "reference-conflict"


class ChunkMixed(Conflict):
    """A signed chunk goes in whole or not at all, and a part of it can't; nothing was stored.

    Attributes:
        results: One answer for each item in order: how it was accepted earlier, the error that refuses it, or
            None for a new one that would go in. Sign the latter as a chunk of their own and send it.
    """

    code = "chunk-mixed"

    def __init__(self, results: Sequence[object]) -> None:
        """Say how many are left to send."""
        new = sum(result is None for result in results)
        super().__init__(
            "a part of the signed chunk can't go in",
            expected="a chunk of new records alone",
            got=f"{new} of {len(results)} new and right",
            hint="Sign those as a chunk of their own and send it.",
        )
        self.results = tuple(results)


class EntryTaken(Conflict):
    """Another intake stored some of a chunk's entries first; roll back, look them up and accept the rest.

    Attributes:
        what: Which key was there already: ``commitment`` or ``reference``.
        indices: Positions in the chunk, ascending.
    """

    code = "entry-taken"

    def __init__(self, what: str, indices: tuple[int, ...]) -> None:
        """Say how many; which ones is for the intake."""
        super().__init__(
            f"{len(indices)} of the chunk's entries were stored by another request meanwhile",
            where=what,
            hint="Send them again; what is there already gets its first receipt.",
        )
        self.what = what
        self.indices = indices


class PolicyRefused(Conflict):
    """The amount would break the ledger's policy; nothing was stored."""

    code = "policy-refused"


class NotEntitled(Conflict):
    """What the organization hands over could not be anchored by the receipt's deadline; nothing was stored."""

    code = "not-entitled"


class LedgerClosed(Conflict):
    """The ledger takes no more entries."""

    code = "ledger-closed"


class QueueFull(Conflict):
    """The local queue takes no more records; nothing of this call was queued."""

    code = "queue-full"


class QueueBusy(Conflict):
    """Another process is draining the local queue."""

    code = "queue-busy"


class StandingRefused(Conflict):
    """The change of standing is not one of the allowed moves."""

    code = "standing-refused"


class NotFound(ChainsvcError):
    """No such ledger, record or batch."""

    code = "not-found"
    status = 404
    exit_code = 5


class RecordErased(NotFound):
    """The record was deleted; what the tree needs of it is left."""

    code = "record-erased"
    status = 410


class BlockGone(NotFound):
    """The chain has no such block, or no longer."""

    code = "block-gone"


class NotReady(ChainsvcError):
    """It exists, but is not final yet."""

    code = "not-ready"
    status = 425
    exit_code = 5


class AccessDenied(ChainsvcError):
    """No key, or one that is not known."""

    code = "access-denied"
    status = 401
    exit_code = 6


class Forbidden(AccessDenied):
    """A known key without the right for this."""

    code = "forbidden"
    status = 403


class SignatureRefused(ChainsvcError):
    """A signature that does not verify, or one by a key that is not registered."""

    code = "signature-refused"
    status = 422
    exit_code = 6


class Unavailable(ChainsvcError):
    """A part is down; the same call may succeed later."""

    code = "unavailable"
    status = 503
    exit_code = 7


class NodeUnavailable(Unavailable):
    """The chain node does not answer."""

    code = "node-unavailable"


class StateUnavailable(NodeUnavailable):
    """The node no longer has, or does not yet have, the state of the block asked for."""

    code = "state-unavailable"


class NodesDisagree(NodeUnavailable):
    """Several nodes were asked, and no quorum of them says the same."""

    code = "nodes-disagree"


class TransactionRefused(NodeUnavailable):
    """The node does not take a signed transaction.

    Attributes:
        reason: ``insufficient-funds``, ``nonce-too-low``, ``underpriced``, ``gas-limit`` or ``queue-full``.
    """

    code = "transaction-refused"

    def __init__(self, reason: str, got: str, *, hint: str | None = None) -> None:
        """Keep the node's own words as ``got``."""
        super().__init__(f"the node does not take the transaction: {reason.replace('-', ' ')}", got=got, hint=hint)
        self.reason = reason


class LedgerBehind(Unavailable):
    """The chain has entries of this ledger that the restored journal lost; nothing was stored, send it again later."""

    code = "ledger-behind"


class DatabaseUnavailable(Unavailable):
    """The journal's database does not answer."""

    code = "database-unavailable"


class SignerUnavailable(Unavailable):
    """A remote signer or a security module does not sign, or what it gave is not by its key; nothing was sent."""

    code = "signer-unavailable"


class KekTurned(Unavailable):
    """The journal's key-encryption key was replaced while something was wrapped with the old one; nothing was stored.

    Attributes:
        check: Check value of the one that counts now, 32 bytes.
    """

    code = "kek-turned"

    def __init__(self, check: bytes) -> None:
        """Name it by its first 8 hex digits."""
        super().__init__("the key-encryption key was replaced meanwhile", expected=f"{check[:4].hex()}…")
        self.check = check


class LeaseLost(Unavailable):
    """Another worker holds the lease by now, or may take it at any moment; nothing was written."""

    code = "lease-lost"


class ProcessLost(Unavailable):
    """A process that shared the work was killed."""

    code: ClassVar[str] = "process-lost"


class ServiceUnavailable(Unavailable):
    """The chainsvc service does not answer."""

    code = "service-unavailable"


class RecordQueued(ServiceUnavailable):
    """The service does not answer; the record is safe in the local queue and goes in when it is drained.

    Attributes:
        queue_id: Its id there.
    """

    code = "record-queued"

    def __init__(self, queue_id: int) -> None:
        """Name its place."""
        super().__init__(
            "the record waits in the local queue",
            got=f"queued as {queue_id}",
            hint="Drain the queue when the service answers again; sending the record again is safe.",
        )
        self.queue_id = queue_id


class StartRefused(ChainsvcError):
    """Starting like this would do harm, so nothing was started."""

    code = "start-refused"
    exit_code = 8


class NetworkMismatch(StartRefused):
    """The node is on another chain, or the contracts are of another deployment."""

    code = "network-mismatch"


class KeyMismatch(StartRefused):
    """The key-encryption key is not the one that the journal was written with."""

    code = "key-mismatch"


class ConfigurationRefused(StartRefused):
    """A setting is missing or wrong."""

    code = "configuration-refused"


class ChainRefused(Conflict):
    """A contract reverted.

    Attributes:
        name: The custom error's name, e.g. ``SequenceMismatch``.
        arguments: Its arguments by name, e.g. ``{"expected": 4, "got": 3}``.
    """

    code = "chain-refused"

    def __init__(self, name: str, arguments: dict[str, object], *, hint: str | None = None) -> None:
        """Show the contract's own expected and got."""
        listed = ", ".join(f"{key}={value}" for key, value in arguments.items() if key not in ("expected", "got"))
        super().__init__(
            f"the contract refused: {name}({listed})",
            expected=arguments.get("expected"),
            got=arguments.get("got"),
            hint=hint,
        )
        self.name = name
        self.arguments = arguments
