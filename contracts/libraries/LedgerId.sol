// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Uscc} from "./Uscc.sol";

/// @notice The identity of one ledger of one contract of one network, see {LedgerNames-identify}.
type LedgerId is bytes32;

using {_sameLedger as ==} for LedgerId global;

/// @notice Tells whether two identities name the same ledger.
/// @param a One identity.
/// @param b The other identity.
/// @return True when they are equal.
function _sameLedger(LedgerId a, LedgerId b) pure returns (bool) {
    return LedgerId.unwrap(a) == LedgerId.unwrap(b);
}

/// @title Names of ledgers
/// @notice Composes `kind/uscc/book` and derives the ledger's identity from it.
library LedgerNames {
    /// @dev Domain tag of a ledger's identity.
    uint8 internal constant LEDGER_TAG = 0x06;

    /// @dev Longest kind, in bytes.
    uint256 internal constant KIND_LENGTH = 16;

    /// @dev Longest book, in bytes.
    uint256 internal constant BOOK_LENGTH = 32;

    /// @notice Thrown when a kind is not 1 to 16 letters a-z, padded with zero bytes on the right.
    /// @param kind The kind as given.
    error KindMalformed(bytes16 kind);

    /// @notice Thrown when a book is not 1 to 32 characters of A-Z, 0-9 and the hyphen.
    /// @param book The book as given.
    error BookMalformed(string book);

    /// @notice Composes the full name of a ledger.
    /// @param kind One to 16 letters a-z, zero-padded on the right.
    /// @param uscc The organization's code.
    /// @param book One to 32 characters of A-Z, 0-9 and the hyphen.
    /// @return The name `kind/uscc/book`.
    function compose(bytes16 kind, Uscc uscc, string calldata book) internal pure returns (string memory) {
        _requireBook(book);
        return string.concat(_kindText(kind), "/", string(abi.encodePacked(Uscc.unwrap(uscc))), "/", book);
    }

    /// @notice Derives a ledger's identity; another network, contract, suite or name gives another identity.
    /// @param networkId The network's 32 random bytes.
    /// @param ledgerContract The contract that keeps the ledger.
    /// @param suite Hash suite: 1 SHA-256, 2 SM3.
    /// @param flags Bit 0: signed ledger.
    /// @param name The full name.
    /// @return `sha256(06 || networkId || ledgerContract || suite || flags || name)`.
    function identify(bytes32 networkId, address ledgerContract, uint8 suite, uint8 flags, string memory name)
        internal
        pure
        returns (LedgerId)
    {
        return LedgerId.wrap(sha256(abi.encodePacked(LEDGER_TAG, networkId, ledgerContract, suite, flags, name)));
    }

    /// @notice Reads the kind back from a full name.
    /// @param name The full name.
    /// @return kind The bytes before the first slash, at most 16; all of them when there is none.
    function kindOf(string calldata name) internal pure returns (bytes16 kind) {
        bytes calldata text = bytes(name);
        uint256 end = text.length < KIND_LENGTH ? text.length : KIND_LENGTH;
        for (uint256 i = 0; i < end && text[i] != "/"; ++i) {
            kind |= bytes16(text[i]) >> (i * 8);
        }
    }

    /// @notice Reverts unless a kind is 1 to 16 letters a-z, zero-padded on the right.
    /// @param kind The kind.
    function requireKind(bytes16 kind) internal pure {
        _kindText(kind);
    }

    /// @dev The kind without its padding.
    function _kindText(bytes16 kind) private pure returns (string memory) {
        uint256 length = 0;
        while (length < KIND_LENGTH && kind[length] >= "a" && kind[length] <= "z") ++length;
        if (length == 0 || kind << (length * 8) != 0) revert KindMalformed(kind);
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            text[i] = kind[i];
        }
        return string(text);
    }

    /// @dev Reverts unless every character of the book is allowed.
    function _requireBook(string calldata book) private pure {
        bytes calldata text = bytes(book);
        uint256 length = text.length;
        if (length == 0 || length > BOOK_LENGTH) revert BookMalformed(book);
        for (uint256 i = 0; i < length; ++i) {
            bytes1 c = text[i];
            bool allowed = (c >= "A" && c <= "Z") || (c >= "0" && c <= "9") || c == "-";
            if (!allowed) revert BookMalformed(book);
        }
    }
}
