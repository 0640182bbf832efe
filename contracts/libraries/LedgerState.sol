// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A ledger's figures, in one slot that is read once and written once a batch.
/// @dev High to low: nextSeq u64 | nextBatch u64 | credit u64 | debit u64.
type LedgerState is uint256;

using LedgerStateLibrary for LedgerState global;

/// @title Packing of a ledger's figures
/// @notice Reads and writes the four 64-bit figures of a {LedgerState}.
library LedgerStateLibrary {
    /// @notice Packs the figures.
    /// @param nextSeq_ Entries so far.
    /// @param nextBatch_ Batches so far.
    /// @param credit_ Sum of all credits, in fen.
    /// @param debit_ Sum of all debits, in fen.
    /// @return The slot.
    function pack(uint64 nextSeq_, uint64 nextBatch_, uint64 credit_, uint64 debit_)
        internal
        pure
        returns (LedgerState)
    {
        return LedgerState.wrap(
            (uint256(nextSeq_) << 192) | (uint256(nextBatch_) << 128) | (uint256(credit_) << 64) | debit_
        );
    }

    /// @notice Entries so far, which is the position of the next one.
    /// @param state The slot.
    /// @return The figure.
    function nextSeq(LedgerState state) internal pure returns (uint64) {
        return uint64(LedgerState.unwrap(state) >> 192);
    }

    /// @notice Batches so far, which is the number of the next one.
    /// @param state The slot.
    /// @return The figure.
    function nextBatch(LedgerState state) internal pure returns (uint64) {
        return uint64(LedgerState.unwrap(state) >> 128);
    }

    /// @notice Sum of all credits.
    /// @param state The slot.
    /// @return The figure, in fen.
    function credit(LedgerState state) internal pure returns (uint64) {
        return uint64(LedgerState.unwrap(state) >> 64);
    }

    /// @notice Sum of all debits.
    /// @param state The slot.
    /// @return The figure, in fen.
    function debit(LedgerState state) internal pure returns (uint64) {
        return uint64(LedgerState.unwrap(state));
    }
}
