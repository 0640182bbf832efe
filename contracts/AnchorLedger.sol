// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    IAccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/IAccessControlDefaultAdminRules.sol";

import {IAnchorLedger} from "./interfaces/IAnchorLedger.sol";
import {IInstitutions} from "./interfaces/IInstitutions.sol";
import {ISubsidyLedger} from "./interfaces/ISubsidyLedger.sol";
import {LedgerId, LedgerNames} from "./libraries/LedgerId.sol";
import {LedgerState, LedgerStateLibrary} from "./libraries/LedgerState.sol";
import {Sha256} from "./libraries/Sha256.sol";
import {SumTree} from "./libraries/SumTree.sol";
import {Uscc} from "./libraries/Uscc.sol";

/// @title Append-only ledgers under one policy
/// @notice Computes and stores heads and status words; each policy says which sums and which changes of standing hold.
/// @dev Storage is pinned, since evidence proves its slots: 0 states · 1 heads · 2 words · 3 metas · 4 budgets · 5
/// successor. No owner, no proxy, no way to change a head or a word that stands.
abstract contract AnchorLedger is IAnchorLedger {
    /// @dev Most batches in one call.
    uint256 private constant _MAX_ANCHORS = 32;

    /// @dev Most entries in one batch.
    uint32 private constant _MAX_COUNT = 4096;

    /// @dev Largest sum, in fen: every JSON number up to it is exact.
    uint64 internal constant _MAX_SUM = 2 ** 53 - 1;

    /// @dev Domain tag of a head.
    uint8 private constant _HEAD_TAG = 0x04;

    /// @dev Domain tag of a status word.
    uint8 private constant _WORD_TAG = 0x05;

    /// @dev Hash suite SHA-256.
    uint8 private constant _SHA256 = 1;

    /// @dev Hash suite SM3 (GB/T 32905), which has no precompile.
    uint8 private constant _SM3 = 2;

    /// @dev All known flags: bit 0, signed.
    uint8 private constant _ALL_FLAGS = 1;

    /// @dev Role bit of an issuer, see {IInstitutions}.
    uint8 internal constant _ISSUER = 1;

    /// @dev Role bit of a regulator, see {IInstitutions}.
    uint8 internal constant _REGULATOR = 2;

    /// @dev Statuses.
    uint8 internal constant _CURRENT = 0;
    uint8 internal constant _SUPERSEDED = 1;
    uint8 internal constant _REVOKED = 2;
    uint8 internal constant _SUSPENDED = 3;
    uint8 internal constant _DISSOLVED = 4;
    uint8 internal constant _ANNULLED = 5;
    uint8 internal constant _VOID = 6;

    /// @inheritdoc IAnchorLedger
    bytes32 public immutable networkId;

    /// @inheritdoc IAnchorLedger
    IInstitutions public immutable institutions;

    /// @dev Slot 0.
    mapping(LedgerId ledgerId => LedgerState state) internal _states;

    /// @dev Slot 1.
    mapping(LedgerId ledgerId => mapping(uint64 k => bytes32 head)) internal _heads;

    /// @dev Slot 2.
    mapping(LedgerId ledgerId => mapping(uint64 seq => bytes32 word)) internal _words;

    /// @dev Slot 3.
    mapping(LedgerId ledgerId => Meta meta) internal _metas;

    /// @dev Slot 4, used by {SubsidyLedger}; declared here so that every policy has the same layout.
    mapping(LedgerId ledgerId => ISubsidyLedger.Budget budget) internal _budgets;

    /// @dev Slot 5.
    address private _successor;

    /// @notice Binds the contract to its network and register.
    /// @param networkId_ The network's 32 random bytes.
    /// @param institutions_ The register of institutions.
    constructor(bytes32 networkId_, IInstitutions institutions_) {
        if (networkId_ == 0) revert NetworkIdMissing();
        if (address(institutions_).code.length == 0) revert InstitutionsMissing(address(institutions_));
        networkId = networkId_;
        institutions = institutions_;
    }

    // --- acts ---

    /// @inheritdoc IAnchorLedger
    function openLedger(bytes16 kind, Uscc uscc, string calldata book, uint8 suite, uint8 flags)
        external
        returns (LedgerId ledgerId)
    {
        if (suite != _SHA256 && suite != _SM3) revert SuiteUnknown(suite);
        if (flags > _ALL_FLAGS) revert FlagsUnknown(_ALL_FLAGS, flags);
        _requireEntitled(uscc);
        _requireRole(uscc, _ISSUER | _REGULATOR);
        string memory name = LedgerNames.compose(kind, uscc, book);
        ledgerId = LedgerNames.identify(networkId, address(this), suite, flags, name);
        _metas[ledgerId] = Meta({closed: false, flags: flags, suite: suite, uscc: uscc});
        emit LedgerOpened(ledgerId, uscc, kind, name, suite, flags);
        // Refuses a kind of another policy, and a name that stands already.
        institutions.recordLedger(uscc, ledgerId, name);
    }

    /// @inheritdoc IAnchorLedger
    function closeLedger(LedgerId ledgerId) external {
        Meta memory meta = _knownMeta(ledgerId);
        if (meta.closed) revert LedgerNotOpen(ledgerId);
        _requireEntitled(meta.uscc);
        _metas[ledgerId].closed = true;
        emit LedgerClosed(ledgerId, msg.sender);
    }

    /// @inheritdoc IAnchorLedger
    function anchor(Anchor[] calldata anchors) external {
        if (anchors.length == 0) revert EmptyCall();
        _anchorAll(anchors);
    }

    /// @inheritdoc IAnchorLedger
    function setStatus(Mark[] calldata marks) external {
        if (marks.length == 0) revert EmptyCall();
        _markAll(marks, Uscc.wrap(0));
    }

    /// @inheritdoc IAnchorLedger
    function anchorAndMark(Anchor[] calldata anchors, Mark[] calldata marks) external {
        if (anchors.length + marks.length == 0) revert EmptyCall();
        _markAll(marks, _anchorAll(anchors));
    }

    /// @inheritdoc IAnchorLedger
    function announceSuccessor(address successor_) external {
        address admin = IAccessControlDefaultAdminRules(address(institutions)).defaultAdmin();
        if (msg.sender != admin) revert NotAdmin(admin, msg.sender);
        if (successor_.code.length == 0) revert SuccessorWithoutCode(successor_);
        _successor = successor_;
        emit SuccessorAnnounced(successor_);
    }

    // --- views ---

    /// @inheritdoc IAnchorLedger
    function stateOf(LedgerId ledgerId)
        external
        view
        returns (uint64 nextSeq, uint64 nextBatch, uint64 credit, uint64 debit)
    {
        LedgerState state = _states[ledgerId];
        return (state.nextSeq(), state.nextBatch(), state.credit(), state.debit());
    }

    /// @inheritdoc IAnchorLedger
    function headOf(LedgerId ledgerId, uint64 k) external view returns (bytes32) {
        return _heads[ledgerId][k];
    }

    /// @inheritdoc IAnchorLedger
    function statusOf(LedgerId ledgerId, uint64 seq) external view returns (bytes32 word) {
        return _words[ledgerId][seq];
    }

    /// @inheritdoc IAnchorLedger
    function metaOf(LedgerId ledgerId) external view returns (Meta memory) {
        return _metas[ledgerId];
    }

    /// @inheritdoc IAnchorLedger
    function successor() external view returns (address) {
        return _successor;
    }

    /// @inheritdoc IAnchorLedger
    function verifyInclusion(
        LedgerId ledgerId,
        Batch calldata batch,
        Entry calldata entry,
        SumTree.Node[] calldata path
    ) external view returns (bytes32 word) {
        uint8 suite = _knownMeta(ledgerId).suite;
        if (suite != _SHA256) revert UnsupportedSuite(ledgerId, _SHA256, suite);
        if (entry.seq < batch.first || entry.seq - batch.first >= batch.count) {
            revert SeqOutsideBatch(batch.first, batch.count, entry.seq);
        }
        SumTree.Node memory node = SumTree.leaf(ledgerId, entry.seq, entry.commitment, entry.credit, entry.debit);
        bytes32 computed = _headOf(ledgerId, batch, SumTree.fold(node, entry.seq - batch.first, batch.count, path));
        bytes32 standing = _heads[ledgerId][batch.index];
        if (computed != standing) revert HeadMismatch(ledgerId, batch.index, standing, computed);
        return _words[ledgerId][entry.seq];
    }

    // --- anchoring ---

    /// @dev Anchors every batch; returns the last organization found entitled, so that marks need not ask again.
    function _anchorAll(Anchor[] calldata anchors) private returns (Uscc entitled) {
        uint256 length = anchors.length;
        if (length > _MAX_ANCHORS) revert TooManyAnchors(_MAX_ANCHORS, length);
        for (uint256 i = 0; i < length; ++i) {
            Anchor memory a = anchors[i];
            Meta storage meta = _metas[a.ledgerId];
            (Uscc uscc, bool closed) = (meta.uscc, meta.closed);
            if (uscc.isZero()) revert LedgerUnknown(a.ledgerId);
            if (closed) revert LedgerNotOpen(a.ledgerId);
            // Entitlement cannot change within a call: batches of one organization ask once.
            if (uscc != entitled) _requireEntitled(uscc);
            entitled = uscc;
            _anchor(a);
        }
    }

    /// @dev Checks and stores one batch: one slot for the state, one new slot for the head.
    function _anchor(Anchor memory a) private {
        (LedgerId ledgerId, uint64 first, uint32 count) = (a.ledgerId, a.first, a.count);
        LedgerState state = _states[ledgerId];
        if (first != state.nextSeq()) revert SequenceMismatch(ledgerId, state.nextSeq(), first);
        if (count == 0 || count > _MAX_COUNT) revert CountOutOfRange(ledgerId, _MAX_COUNT, count);
        uint64 credit = _sum(ledgerId, state.credit(), a.credit);
        uint64 debit = _sum(ledgerId, state.debit(), a.debit);
        _checkPolicy(ledgerId, credit, debit);
        uint64 k = state.nextBatch();
        // 64 bits are not reached by additions of at most 4,096.
        unchecked {
            _states[ledgerId] = LedgerStateLibrary.pack(first + count, k + 1, credit, debit);
        }
        _storeHead(a, ledgerId, k);
    }

    /// @dev Chains the batch to the head before it.
    function _storeHead(Anchor memory a, LedgerId ledgerId, uint64 k) private {
        mapping(uint64 k => bytes32 head) storage heads = _heads[ledgerId];
        bytes32 prev = k == 0 ? bytes32(0) : heads[k - 1];
        (uint64 first, uint32 count, bytes32 root, uint64 credit, uint64 debit) =
            (a.first, a.count, a.root, a.credit, a.debit);
        // Neighbouring fields are packed by shifts: fewer pieces to copy.
        bytes32 head = Sha256.hash(
            abi.encodePacked(
                _HEAD_TAG,
                prev,
                LedgerId.unwrap(ledgerId),
                (uint160(k) << 96) | (uint160(first) << 32) | count,
                root,
                (uint128(credit) << 64) | debit,
                msg.sender,
                (uint128(block.number) << 64) | uint64(block.timestamp)
            )
        );
        heads[k] = head;
        emit Anchored(ledgerId, k, first, count, root, credit, debit, msg.sender, prev, head);
    }

    // --- standing ---

    /// @dev Makes every change; `entitled` is an organization that the caller is known to act for.
    function _markAll(Mark[] calldata marks, Uscc entitled) private {
        uint256 length = marks.length;
        for (uint256 i = 0; i < length; ++i) {
            Uscc by = _knownMeta(marks[i].causeLedgerId).uscc;
            if (by != entitled) _requireEntitled(by);
            entitled = by;
            _mark(marks[i], by);
        }
    }

    /// @dev Checks and stores one change of standing, made on behalf of `by`, the organization of the cause.
    function _mark(Mark calldata m, Uscc by) private {
        Uscc owner = _knownMeta(m.ledgerId).uscc;
        if (m.status > _VOID) revert StatusUnknown(_VOID, m.status);
        _requireEntry(m.ledgerId, m.seq);
        _requireEntry(m.causeLedgerId, m.causeSeq);
        if (m.ledgerId == m.causeLedgerId && m.seq == m.causeSeq) revert CauseIsTarget(m.ledgerId, m.seq);
        bytes32 prev = _words[m.ledgerId][m.seq];
        uint8 from = uint8(uint256(prev));
        if (!_mayMove(owner, by, from, m.status)) revert StandingRefused(m.ledgerId, m.seq, from, m.status, by);
        bytes32 word = _hashWord(prev, m);
        _words[m.ledgerId][m.seq] = word;
        emit StandingChanged(m.ledgerId, m.seq, m.status, m.causeLedgerId, m.causeSeq, msg.sender, prev, word);
    }

    /// @dev The head that a batch of these facts and this root has.
    function _headOf(LedgerId ledgerId, Batch calldata batch, SumTree.Node memory root) private view returns (bytes32) {
        return Sha256.hash(
            abi.encodePacked(
                _HEAD_TAG,
                batch.prev,
                LedgerId.unwrap(ledgerId),
                batch.index,
                batch.first,
                batch.count,
                root.hash,
                root.credit,
                root.debit,
                batch.actor,
                batch.blockNumber,
                batch.time
            )
        );
    }

    /// @dev The status word: 31 bytes of the hash, then the status.
    function _hashWord(bytes32 prev, Mark calldata m) private view returns (bytes32) {
        bytes32 hash = Sha256.hash(
            abi.encodePacked(
                _WORD_TAG,
                prev,
                LedgerId.unwrap(m.ledgerId),
                m.seq,
                m.status,
                LedgerId.unwrap(m.causeLedgerId),
                m.causeSeq,
                msg.sender,
                uint64(block.number),
                uint64(block.timestamp)
            )
        );
        return (hash & ~bytes32(uint256(0xff))) | bytes32(uint256(m.status));
    }

    /// @dev Whether the organization `by` may move an entry of `owner` from one status to another.
    function _mayMove(Uscc owner, Uscc by, uint8 from, uint8 to) private view returns (bool) {
        if (owner == by && _allows(_ownMoves(), from, to)) return true;
        uint8 roles = institutions.rolesOf(by);
        if (roles & _REGULATOR != 0 && _allows(_regulatorMoves(), from, to)) return true;
        return _allows(_peerMoves(roles), from, to);
    }

    /// @dev Adds an amount to a sum, up to the largest exact JSON number.
    function _sum(LedgerId ledgerId, uint64 sum, uint64 amount) private pure returns (uint64) {
        uint256 total = uint256(sum) + amount;
        if (total > _MAX_SUM) revert SumExceeded(ledgerId, _MAX_SUM, total);
        return uint64(total);
    }

    /// @dev Whether a table of moves has this one: byte `from` of the table holds one bit for each status reachable.
    function _allows(uint64 moves, uint8 from, uint8 to) private pure returns (bool) {
        return (moves >> (from * 8 + to)) & 1 == 1;
    }

    /// @dev One move, as a table of moves.
    function _move(uint8 from, uint8 to) internal pure returns (uint64) {
        return uint64(1) << (from * 8 + to);
    }

    // --- what a policy says ---

    /// @dev Reverts when the sums after a batch break the policy; state still holds the sums before it.
    function _checkPolicy(LedgerId ledgerId, uint64 creditAfter, uint64 debitAfter) internal view virtual;

    /// @dev Moves that an organization makes on its own entries.
    function _ownMoves() internal pure virtual returns (uint64) {
        return _move(_CURRENT, _SUPERSEDED) | _move(_CURRENT, _REVOKED);
    }

    /// @dev Moves that a regulator makes on anyone's entries; it alone brings an entry back to current.
    function _regulatorMoves() internal pure virtual returns (uint64) {
        return _move(_CURRENT, _REVOKED) | _move(_CURRENT, _SUSPENDED) | _move(_CURRENT, _ANNULLED)
            | _move(_CURRENT, _VOID) | _move(_SUSPENDED, _CURRENT) | _move(_SUSPENDED, _REVOKED)
            | _move(_SUSPENDED, _ANNULLED) | _move(_SUSPENDED, _VOID) | _move(_SUPERSEDED, _CURRENT)
            | _move(_SUPERSEDED, _ANNULLED) | _move(_SUPERSEDED, _VOID) | _move(_REVOKED, _CURRENT)
            | _move(_ANNULLED, _CURRENT) | _move(_VOID, _CURRENT);
    }

    /// @dev Moves that another organization of these roles makes; none, unless a policy says otherwise.
    function _peerMoves(uint8) internal pure virtual returns (uint64) {
        return 0;
    }

    // --- checks ---

    /// @dev The ledger's facts; it must have been opened here.
    function _knownMeta(LedgerId ledgerId) internal view returns (Meta memory meta) {
        meta = _metas[ledgerId];
        if (meta.uscc.isZero()) revert LedgerUnknown(ledgerId);
    }

    /// @dev The entry must be anchored.
    function _requireEntry(LedgerId ledgerId, uint64 seq) private view {
        uint64 nextSeq = _states[ledgerId].nextSeq();
        if (seq >= nextSeq) revert EntryUnknown(ledgerId, nextSeq, seq);
    }

    /// @dev The caller must be entitled for the organization now.
    function _requireEntitled(Uscc uscc) internal view {
        if (!institutions.mayAnchor(uscc, msg.sender)) revert NotEntitled(uscc, msg.sender);
    }

    /// @dev The organization must have one of these roles.
    function _requireRole(Uscc uscc, uint8 expected) internal view {
        uint8 roles = institutions.rolesOf(uscc);
        if (roles & expected == 0) revert RoleMissing(uscc, expected, roles);
    }
}
