// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A unified social credit code (GB 32100-2015): 18 ASCII characters, the last one a check character.
type Uscc is bytes18;

using {_equals as ==, _differs as !=, UsccLibrary.requireValid, UsccLibrary.isZero} for Uscc global;

/// @notice Tells whether two codes are the same characters.
/// @param a One code.
/// @param b The other code.
/// @return True when all 18 characters are equal.
function _equals(Uscc a, Uscc b) pure returns (bool) {
    return Uscc.unwrap(a) == Uscc.unwrap(b);
}

/// @notice Tells whether two codes differ.
/// @param a One code.
/// @param b The other code.
/// @return True when any character differs.
function _differs(Uscc a, Uscc b) pure returns (bool) {
    return Uscc.unwrap(a) != Uscc.unwrap(b);
}

/// @title Check of unified social credit codes
/// @notice Verifies alphabet and check character, so that no mistyped organization is ever registered.
library UsccLibrary {
    /// @dev The alphabet of GB 32100-2015: digits and capitals without I, O, S, V, Z. A character's value is its index.
    bytes internal constant ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY";

    /// @dev Characters before the check character.
    uint256 internal constant BODY = 17;

    /// @dev Weights are the powers of 3 modulo 31.
    uint256 internal constant MODULUS = 31;

    /// @notice Thrown when a character is none of the 31 of GB 32100.
    /// @param uscc The code as given.
    /// @param position Zero-based position of the first wrong character.
    error UsccMalformed(Uscc uscc, uint256 position);

    /// @notice Thrown when the last character is not the check character of the first 17.
    /// @param uscc The code as given.
    /// @param expected The check character that would be right.
    /// @param got The character that stands there.
    error UsccCheckMismatch(Uscc uscc, bytes1 expected, bytes1 got);

    /// @notice Tells whether no code is given at all.
    /// @param uscc The code.
    /// @return True for 18 zero bytes.
    function isZero(Uscc uscc) internal pure returns (bool) {
        return Uscc.unwrap(uscc) == bytes18(0);
    }

    /// @notice Reverts unless the code is well formed and its check character is right.
    /// @param uscc The code.
    function requireValid(Uscc uscc) internal pure {
        bytes18 text = Uscc.unwrap(uscc);
        uint256 sum = 0;
        uint256 weight = 1;
        for (uint256 i = 0; i < BODY; ++i) {
            sum += weight * _valueAt(uscc, i);
            weight = (weight * 3) % MODULUS;
        }
        _valueAt(uscc, BODY);
        bytes1 expected = ALPHABET[(MODULUS - (sum % MODULUS)) % MODULUS];
        if (text[BODY] != expected) revert UsccCheckMismatch(uscc, expected, text[BODY]);
    }

    /// @dev Value of one character, 0 to 30.
    function _valueAt(Uscc uscc, uint256 position) private pure returns (uint256) {
        bytes memory alphabet = ALPHABET;
        bytes1 character = Uscc.unwrap(uscc)[position];
        for (uint256 value = 0; value < MODULUS; ++value) {
            if (alphabet[value] == character) return value;
        }
        revert UsccMalformed(uscc, position);
    }
}
