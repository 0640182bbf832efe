// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LedgerId} from "../libraries/LedgerId.sol";
import {SumTree} from "../libraries/SumTree.sol";
import {Uscc} from "../libraries/Uscc.sol";
import {IInstitutions} from "./IInstitutions.sol";
import {IRegisterErrors} from "./IRegisterErrors.sol";

/// @title Append-only ledgers
/// @notice Anchors batches of entries of many ledgers, one storage slot a batch, and keeps the standing of changed
/// entries, one slot an entry. Nothing that was anchored can be changed by anyone.
/// @dev Hash preimages are SHA-256 of packed big-endian fields, with a one-byte domain tag first:
/// `head_k = sha256(04 || head_{k-1} || ledgerId || k u64 || first u64 || count u32 || root || credit u64 || debit u64
///           || actor || block.number u64 || block.timestamp u64)`, `head_{-1}` is zero;
/// `word_j = sha256(05 || word_{j-1} || ledgerId || seq u64 || status u8 || causeLedgerId || causeSeq u64 || actor
///           || block.number u64 || block.timestamp u64)[0:31] || status u8`, `word_{-1}` is zero and means current.
/// Amounts are in fen. Statuses: 0 current, 1 superseded, 2 revoked, 3 suspended, 4 dissolved, 5 annulled, 6 void.
interface IAnchorLedger is IRegisterErrors {
    /// @notice One batch to be anchored.
    /// @param ledgerId The ledger.
    /// @param first Position of the batch's first entry; must be the ledger's next.
    /// @param count Entries in the batch, 1 to 4,096.
    /// @param root Root hash of the batch's sum tree.
    /// @param credit Sum of the batch's credits.
    /// @param debit Sum of the batch's debits.
    struct Anchor {
        LedgerId ledgerId;
        uint64 first;
        uint32 count;
        bytes32 root;
        uint64 credit;
        uint64 debit;
    }

    /// @notice One change of standing.
    /// @param ledgerId The ledger of the entry whose standing changes.
    /// @param seq The entry.
    /// @param status Its new status.
    /// @param causeLedgerId The ledger of the entry that gives the reason, on the same contract.
    /// @param causeSeq That entry, anchored before or in the same call.
    struct Mark {
        LedgerId ledgerId;
        uint64 seq;
        uint8 status;
        LedgerId causeLedgerId;
        uint64 causeSeq;
    }

    /// @notice A ledger's fixed facts, in one slot.
    /// @dev Slot, high to low: 11 free bytes | uscc bytes18 | suite u8 | flags u8 | closed u8.
    /// @param closed Whether the ledger takes no more batches.
    /// @param flags Bit 0: signed ledger.
    /// @param suite Hash suite: 1 SHA-256, 2 SM3.
    /// @param uscc The organization; zero when the ledger is unknown.
    struct Meta {
        bool closed;
        uint8 flags;
        uint8 suite;
        Uscc uscc;
    }

    /// @notice What a head says of its batch beside root, sums and ledger.
    /// @param index Number of the batch in its ledger, k.
    /// @param first Position of its first entry.
    /// @param count Entries in it.
    /// @param prev The head before it.
    /// @param actor The account that anchored it.
    /// @param blockNumber Block of the anchoring.
    /// @param time Timestamp of that block.
    struct Batch {
        uint64 index;
        uint64 first;
        uint32 count;
        bytes32 prev;
        address actor;
        uint64 blockNumber;
        uint64 time;
    }

    /// @notice One entry as its leaf binds it.
    /// @param commitment Commitment of the record.
    /// @param seq Position in the ledger.
    /// @param credit Credit.
    /// @param debit Debit.
    struct Entry {
        bytes32 commitment;
        uint64 seq;
        uint64 credit;
        uint64 debit;
    }

    /// @notice Emitted when a ledger was opened.
    /// @param ledgerId The ledger.
    /// @param uscc Its organization.
    /// @param kind Its kind, zero-padded on the right.
    /// @param name Its full name.
    /// @param suite Hash suite: 1 SHA-256, 2 SM3.
    /// @param flags Bit 0: signed ledger.
    event LedgerOpened(
        LedgerId indexed ledgerId, Uscc indexed uscc, bytes16 kind, string name, uint8 suite, uint8 flags
    );

    /// @notice Emitted when a ledger was closed for good.
    /// @param ledgerId The ledger.
    /// @param actor The account that acted.
    event LedgerClosed(LedgerId indexed ledgerId, address actor);

    /// @notice Emitted when a batch was anchored; with the block's number and time it is the head's whole preimage.
    /// @param ledgerId The ledger.
    /// @param k Number of the batch.
    /// @param first Position of its first entry.
    /// @param count Entries in it.
    /// @param root Root hash of its sum tree.
    /// @param credit Sum of its credits.
    /// @param debit Sum of its debits.
    /// @param actor The account that anchored it.
    /// @param prev The head before.
    /// @param head The head that was stored.
    event Anchored(
        LedgerId indexed ledgerId,
        uint64 indexed k,
        uint64 first,
        uint32 count,
        bytes32 root,
        uint64 credit,
        uint64 debit,
        address actor,
        bytes32 prev,
        bytes32 head
    );

    /// @notice Emitted when an entry's standing changed; with the block's number and time it is the word's preimage.
    /// @param ledgerId The ledger.
    /// @param seq The entry.
    /// @param status Its new status.
    /// @param causeLedgerId Ledger of the cause.
    /// @param causeSeq The cause.
    /// @param actor The account that acted.
    /// @param prev The word before.
    /// @param word The word that was stored.
    event StandingChanged(
        LedgerId indexed ledgerId,
        uint64 indexed seq,
        uint8 status,
        LedgerId causeLedgerId,
        uint64 causeSeq,
        address actor,
        bytes32 prev,
        bytes32 word
    );

    /// @notice Emitted when the admin announced the contract that will take new ledgers.
    /// @param successor The contract.
    event SuccessorAnnounced(address indexed successor);

    /// @notice Thrown when the network's identity is zero at deployment.
    error NetworkIdMissing();

    /// @notice Thrown when the register of institutions has no code at deployment.
    /// @param institutions The address as given.
    error InstitutionsMissing(address institutions);

    /// @notice Thrown when a call has neither anchors nor marks.
    error EmptyCall();

    /// @notice Thrown when a call has more anchors than allowed.
    /// @param expected The most.
    /// @param got How many were given.
    error TooManyAnchors(uint256 expected, uint256 got);

    /// @notice Thrown when no such ledger was opened here.
    /// @param ledgerId The ledger.
    error LedgerUnknown(LedgerId ledgerId);

    /// @notice Thrown when the ledger is closed.
    /// @param ledgerId The ledger.
    error LedgerNotOpen(LedgerId ledgerId);

    /// @notice Thrown when the caller is not the admin of the institutions.
    /// @param expected The admin.
    /// @param got The caller.
    error NotAdmin(address expected, address got);

    /// @notice Thrown when a successor has no code.
    /// @param successor The address as given.
    error SuccessorWithoutCode(address successor);

    /// @notice Thrown when a ledger is to be opened with an unknown hash suite.
    /// @param suite The suite as given; 1 SHA-256 and 2 SM3 are known.
    error SuiteUnknown(uint8 suite);

    /// @notice Thrown when a ledger is to be opened with unknown flags.
    /// @param expected All known bits.
    /// @param got The flags as given.
    error FlagsUnknown(uint8 expected, uint8 got);

    /// @notice Thrown when a batch does not start at the ledger's next position.
    /// @param ledgerId The ledger.
    /// @param expected The next position.
    /// @param got The batch's first position.
    error SequenceMismatch(LedgerId ledgerId, uint64 expected, uint64 got);

    /// @notice Thrown when a batch is empty or too large.
    /// @param ledgerId The ledger.
    /// @param expected The most entries.
    /// @param got The count as given.
    error CountOutOfRange(LedgerId ledgerId, uint32 expected, uint32 got);

    /// @notice Thrown when a sum would pass 2^53-1 fen.
    /// @param ledgerId The ledger.
    /// @param expected The limit.
    /// @param got The sum that would be.
    error SumExceeded(LedgerId ledgerId, uint64 expected, uint256 got);

    /// @notice Thrown when an entry is not anchored yet.
    /// @param ledgerId The ledger.
    /// @param expected The ledger's next position; the entry must lie before it.
    /// @param got The entry's position.
    error EntryUnknown(LedgerId ledgerId, uint64 expected, uint64 got);

    /// @notice Thrown when a status is not known.
    /// @param expected The highest status.
    /// @param got The status as given.
    error StatusUnknown(uint8 expected, uint8 got);

    /// @notice Thrown when an entry is named as the cause of its own change.
    /// @param ledgerId The ledger.
    /// @param seq The entry.
    error CauseIsTarget(LedgerId ledgerId, uint64 seq);

    /// @notice Thrown when the organization of the cause may not make this change.
    /// @param ledgerId The ledger of the entry.
    /// @param seq The entry.
    /// @param from Its present status.
    /// @param to The status asked for.
    /// @param by The organization of the cause.
    error StandingRefused(LedgerId ledgerId, uint64 seq, uint8 from, uint8 to, Uscc by);

    /// @notice Thrown when inclusion is asked for in a ledger whose suite the chain cannot compute.
    /// @param ledgerId The ledger.
    /// @param expected Suite 1, SHA-256.
    /// @param got The ledger's suite.
    error UnsupportedSuite(LedgerId ledgerId, uint8 expected, uint8 got);

    /// @notice Thrown when an entry's position does not lie in the batch.
    /// @param first The batch's first position.
    /// @param count The batch's entries.
    /// @param got The entry's position.
    error SeqOutsideBatch(uint64 first, uint32 count, uint64 got);

    /// @notice Thrown when entry, path and batch do not lead to the head that stands.
    /// @param ledgerId The ledger.
    /// @param k Number of the batch.
    /// @param expected The head that stands; zero when there is no such batch.
    /// @param got The head computed.
    error HeadMismatch(LedgerId ledgerId, uint64 k, bytes32 expected, bytes32 got);

    /// @notice Opens a ledger `kind/uscc/book`. An account entitled for the organization, which is issuer or regulator.
    /// @param kind One to 16 letters a-z, zero-padded on the right; this contract must be its policy.
    /// @param uscc The organization.
    /// @param book One to 32 characters of A-Z, 0-9 and the hyphen.
    /// @param suite Hash suite: 1 SHA-256, 2 SM3.
    /// @param flags Bit 0: signed ledger.
    /// @return ledgerId `sha256(06 || networkId || this || suite || flags || name)`.
    function openLedger(bytes16 kind, Uscc uscc, string calldata book, uint8 suite, uint8 flags)
        external
        returns (LedgerId ledgerId);

    /// @notice Closes a ledger for good; standing of its entries may still change. An account entitled for its
    /// organization.
    /// @param ledgerId The ledger.
    function closeLedger(LedgerId ledgerId) external;

    /// @notice Anchors batches, all or none.
    /// @param anchors One to 32 batches, in order; several of one ledger may follow each other.
    function anchor(Anchor[] calldata anchors) external;

    /// @notice Changes the standing of entries, all or none. The caller acts for the organization of each cause.
    /// @param marks At least one change.
    function setStatus(Mark[] calldata marks) external;

    /// @notice Anchors batches, then changes standing, all or none: a revision supersedes in the transaction that
    /// anchors it.
    /// @param anchors Up to 32 batches.
    /// @param marks Changes, whose causes may lie in these batches.
    function anchorAndMark(Anchor[] calldata anchors, Mark[] calldata marks) external;

    /// @notice Announces the contract that will take new ledgers; nothing here changes. Admin of the institutions only.
    /// @param successor_ The contract.
    function announceSuccessor(address successor_) external;

    /// @notice Gives a ledger's figures.
    /// @param ledgerId The ledger.
    /// @return nextSeq Entries so far.
    /// @return nextBatch Batches so far.
    /// @return credit Sum of credits.
    /// @return debit Sum of debits.
    function stateOf(LedgerId ledgerId)
        external
        view
        returns (uint64 nextSeq, uint64 nextBatch, uint64 credit, uint64 debit);

    /// @notice Gives the head of a batch.
    /// @param ledgerId The ledger.
    /// @param k Number of the batch.
    /// @return Zero when there is no such batch.
    function headOf(LedgerId ledgerId, uint64 k) external view returns (bytes32);

    /// @notice Gives the status word of an entry; its last byte is the status.
    /// @param ledgerId The ledger.
    /// @param seq The entry.
    /// @return word Zero when the standing never changed: current.
    function statusOf(LedgerId ledgerId, uint64 seq) external view returns (bytes32 word);

    /// @notice Gives a ledger's fixed facts.
    /// @param ledgerId The ledger.
    /// @return All zero when unknown.
    function metaOf(LedgerId ledgerId) external view returns (Meta memory);

    /// @notice Proves on chain that an entry is in a batch, or reverts saying what does not fit. SHA-256 ledgers only.
    /// @param ledgerId The ledger.
    /// @param batch What the head says of the batch beside root and sums.
    /// @param entry The entry.
    /// @param path Siblings from leaf to root.
    /// @return word The entry's status word at this block; zero is current.
    function verifyInclusion(
        LedgerId ledgerId,
        Batch calldata batch,
        Entry calldata entry,
        SumTree.Node[] calldata path
    ) external view returns (bytes32 word);

    /// @notice The network's identity, 32 random bytes chosen at deployment.
    /// @return The identity.
    function networkId() external view returns (bytes32);

    /// @notice The register of institutions.
    /// @return The contract.
    function institutions() external view returns (IInstitutions);

    /// @notice The contract that takes new ledgers instead of this one.
    /// @return Zero when none was announced.
    function successor() external view returns (address);
}
