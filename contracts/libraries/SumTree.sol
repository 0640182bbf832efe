// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LedgerId} from "./LedgerId.sol";
import {Sha256} from "./Sha256.sol";

/// @title Merkle sum tree of a batch
/// @notice Folds an inclusion path of the shape of RFC 9162 section 2.1, carrying credit and debit sums, with SHA-256.
/// @dev Sums are added with overflow checks: a path whose sums leave 64 bits reverts with a panic.
library SumTree {
    /// @notice One node: its hash and the sums below it.
    /// @param hash SHA-256 of the node.
    /// @param credit Sum of the credits below, in fen.
    /// @param debit Sum of the debits below, in fen.
    struct Node {
        bytes32 hash;
        uint64 credit;
        uint64 debit;
    }

    /// @dev Domain tag of a leaf.
    uint8 internal constant LEAF_TAG = 0x00;

    /// @dev Domain tag of an inner node.
    uint8 internal constant NODE_TAG = 0x01;

    /// @notice Thrown when a path has another length than the leaf's position asks for.
    /// @param expected Nodes that the path of this leaf must have.
    /// @param got Nodes that were given.
    error PathLengthMismatch(uint256 expected, uint256 got);

    /// @notice Builds the leaf of one entry.
    /// @param ledgerId The entry's ledger.
    /// @param seq The entry's position in its ledger.
    /// @param commitment The entry's commitment.
    /// @param credit Credit in fen.
    /// @param debit Debit in fen.
    /// @return The leaf with its sums.
    function leaf(LedgerId ledgerId, uint64 seq, bytes32 commitment, uint64 credit, uint64 debit)
        internal
        view
        returns (Node memory)
    {
        bytes32 hash =
            Sha256.hash(abi.encodePacked(LEAF_TAG, LedgerId.unwrap(ledgerId), seq, commitment, credit, debit));
        return Node(hash, credit, debit);
    }

    /// @notice Joins two nodes.
    /// @param left The left child.
    /// @param right The right child.
    /// @return The parent with both sums.
    function join(Node memory left, Node memory right) internal view returns (Node memory) {
        bytes32 hash = Sha256.hash(
            abi.encodePacked(NODE_TAG, left.hash, left.credit, left.debit, right.hash, right.credit, right.debit)
        );
        return Node(hash, left.credit + right.credit, left.debit + right.debit);
    }

    /// @notice Folds a path from the leaf to the root, as RFC 9162 section 2.1.3.2 does.
    /// @param node The leaf.
    /// @param index Zero-based position of the leaf in the batch, below `count`.
    /// @param count Leaves in the batch, at least 1.
    /// @param path Siblings from leaf to root.
    /// @return root The root that the path leads to.
    function fold(Node memory node, uint256 index, uint256 count, Node[] calldata path)
        internal
        view
        returns (Node memory root)
    {
        uint256 expected = pathLength(index, count);
        uint256 length = path.length;
        if (length != expected) revert PathLengthMismatch(expected, length);
        root = node;
        uint256 last = count - 1;
        for (uint256 i = 0; i < length; ++i) {
            // The last node of an uneven level has no sibling there: climb until it is a right child.
            while (index == last && index % 2 == 0) {
                index >>= 1;
                last >>= 1;
            }
            root = index % 2 == 1 ? join(path[i], root) : join(root, path[i]);
            index >>= 1;
            last >>= 1;
        }
    }

    /// @notice Counts the siblings on the path of a leaf.
    /// @param index Zero-based position of the leaf, below `count`.
    /// @param count Leaves in the batch, at least 1.
    /// @return length Nodes in the path.
    function pathLength(uint256 index, uint256 count) internal pure returns (uint256 length) {
        for (uint256 last = count - 1; last != 0; last >>= 1) {
            if (index != last || index % 2 == 1) ++length;
            index >>= 1;
        }
    }
}
