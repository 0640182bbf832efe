// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LedgerId, LedgerNames} from "../libraries/LedgerId.sol";
import {LedgerState, LedgerStateLibrary} from "../libraries/LedgerState.sol";
import {Sha256} from "../libraries/Sha256.sol";
import {SumTree} from "../libraries/SumTree.sol";
import {Uscc} from "../libraries/Uscc.sol";

/// @title Fuzz tests of the libraries
/// @notice Each library against a naive second definition.
contract LibrariesTest {
    LedgerId private constant _LEDGER = LedgerId.wrap(bytes32(uint256(7)));

    function testFuzz_HashIsSolidityOwnSha256(bytes memory data) public view {
        assert(Sha256.hash(data) == sha256(data));
    }

    function testFuzz_StateUnpacksWhatWasPacked(uint64 seq, uint64 batch, uint64 credit, uint64 debit) public pure {
        LedgerState state = LedgerStateLibrary.pack(seq, batch, credit, debit);
        assert(state.nextSeq() == seq && state.nextBatch() == batch);
        assert(state.credit() == credit && state.debit() == debit);
    }

    /// @dev The path of any leaf of any batch up to 200 folds to the root of the recursive definition.
    function testFuzz_EveryPathFoldsToTheRoot(uint8 countSeed, uint8 indexSeed, uint32 salt) public view {
        uint256 count = 1 + (uint256(countSeed) % 200);
        uint256 index = indexSeed % count;
        SumTree.Node[] memory leaves = _leaves(count, salt);
        SumTree.Node[] memory path = _path(leaves, 0, count, index);
        SumTree.Node memory root = this.fold(leaves[index], index, count, path);
        SumTree.Node memory expected = _root(leaves, 0, count);
        assert(root.hash == expected.hash && root.credit == expected.credit && root.debit == expected.debit);
    }

    function testFuzz_ChangedSiblingNeverFoldsToTheRoot(uint8 countSeed, uint8 placeSeed, uint64 delta) public view {
        uint256 count = 2 + (uint256(countSeed) % 60);
        SumTree.Node[] memory leaves = _leaves(count, 1);
        SumTree.Node[] memory path = _path(leaves, 0, count, 0);
        bytes32 root = _root(leaves, 0, count).hash;
        SumTree.Node memory sibling = path[placeSeed % path.length];
        sibling.credit += 1 + (delta % 1e9);
        assert(this.fold(leaves[0], 0, count, path).hash != root);
    }

    function testFuzz_ReadsBackTheKindOfAComposedName(uint128 letters, uint8 lengthSeed) public view {
        bytes16 kind = _kind(letters, 1 + (lengthSeed % 16));
        string memory name = this.compose(kind, "A-1");
        assert(this.kindOf(name) == kind);
    }

    /// @dev One check character, and only one, completes 17 characters.
    function testFuzz_ExactlyOneCheckCharacterIsRight(uint256 seed) public view {
        bytes memory alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
        bytes18 code;
        for (uint256 i = 0; i < 17; ++i) {
            code |= bytes18(alphabet[(seed >> (i * 8)) % 31]) >> (i * 8);
        }
        uint256 right = 0;
        for (uint256 value = 0; value < 31; ++value) {
            try this.requireValid(Uscc.wrap(code | (bytes18(alphabet[value]) >> 136))) {
                ++right;
            } catch {}
        }
        assert(right == 1);
    }

    /// @dev Every exchange of two neighbours that differ, and every single wrong character, is noticed.
    function testFuzz_OneWrongCharacterIsNoticed(uint8 place, uint8 other) public view {
        bytes memory alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
        bytes18 code = "533206001234567884";
        this.requireValid(Uscc.wrap(code));
        uint256 position = place % 18;
        bytes1 character = alphabet[other % 31];
        if (code[position] == character) return;
        bytes18 mask = ~(bytes18(bytes1(0xff)) >> (position * 8));
        bytes18 wrong = (code & mask) | (bytes18(character) >> (position * 8));
        try this.requireValid(Uscc.wrap(wrong)) {
            assert(false);
        } catch {}
    }

    // --- calldata entrances ---

    function fold(SumTree.Node memory node, uint256 index, uint256 count, SumTree.Node[] calldata path)
        external
        view
        returns (SumTree.Node memory)
    {
        return SumTree.fold(node, index, count, path);
    }

    function compose(bytes16 kind, string calldata book) external pure returns (string memory) {
        return LedgerNames.compose(kind, Uscc.wrap("533206001234567884"), book);
    }

    function kindOf(string calldata name) external pure returns (bytes16) {
        return LedgerNames.kindOf(name);
    }

    function requireValid(Uscc uscc) external pure {
        uscc.requireValid();
    }

    // --- the naive definitions ---

    function _leaves(uint256 count, uint32 salt) private view returns (SumTree.Node[] memory leaves) {
        leaves = new SumTree.Node[](count);
        for (uint64 i = 0; i < count; ++i) {
            leaves[i] = SumTree.leaf(_LEDGER, i, bytes32(uint256(salt) + i), i * 3, i * 5);
        }
    }

    /// @dev RFC 9162 section 2.1: split at the largest power of two below the number of leaves.
    function _split(uint256 count) private pure returns (uint256 split) {
        split = 1;
        while (split * 2 < count) split *= 2;
    }

    function _root(SumTree.Node[] memory leaves, uint256 start, uint256 count)
        private
        view
        returns (SumTree.Node memory)
    {
        if (count == 1) return leaves[start];
        uint256 split = _split(count);
        return SumTree.join(_root(leaves, start, split), _root(leaves, start + split, count - split));
    }

    function _path(SumTree.Node[] memory leaves, uint256 start, uint256 count, uint256 index)
        private
        view
        returns (SumTree.Node[] memory)
    {
        if (count == 1) return new SumTree.Node[](0);
        uint256 split = _split(count);
        if (index < split) {
            return _append(_path(leaves, start, split, index), _root(leaves, start + split, count - split));
        }
        return _append(_path(leaves, start + split, count - split, index - split), _root(leaves, start, split));
    }

    function _append(SumTree.Node[] memory path, SumTree.Node memory node)
        private
        pure
        returns (SumTree.Node[] memory longer)
    {
        longer = new SumTree.Node[](path.length + 1);
        for (uint256 i = 0; i < path.length; ++i) {
            longer[i] = path[i];
        }
        longer[path.length] = node;
    }

    function _kind(uint128 letters, uint256 length) private pure returns (bytes16 kind) {
        for (uint256 i = 0; i < length; ++i) {
            kind |= bytes16(bytes1(uint8(97 + ((letters >> (i * 8)) % 26)))) >> (i * 8);
        }
    }
}
