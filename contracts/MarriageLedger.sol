// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AnchorLedger} from "./AnchorLedger.sol";
import {IInstitutions} from "./interfaces/IInstitutions.sol";
import {LedgerId} from "./libraries/LedgerId.sol";

/// @title Ledgers of marriage registration
/// @notice No money; a marriage ends by divorce, annulment or invalidity. Registration is nationwide, so that any
/// registration office may divorce or reissue what another one registered, with a cause in its own ledger.
contract MarriageLedger is AnchorLedger {
    /// @dev Role bit of a registration office, see {IInstitutions}.
    uint8 private constant _REGISTRATION_OFFICE = 16;

    /// @notice Thrown when a batch states money.
    /// @param ledgerId The ledger.
    /// @param credit Cumulative credit that would be, in fen; expected 0.
    /// @param debit Cumulative debit that would be, in fen; expected 0.
    error MoneyRefused(LedgerId ledgerId, uint64 credit, uint64 debit);

    /// @notice Binds the contract to its network and register.
    /// @param networkId_ The network's 32 random bytes.
    /// @param institutions_ The register of institutions.
    constructor(bytes32 networkId_, IInstitutions institutions_) AnchorLedger(networkId_, institutions_) {}

    /// @dev No sums at all.
    function _checkPolicy(LedgerId ledgerId, uint64 creditAfter, uint64 debitAfter) internal pure override {
        if (creditAfter | debitAfter != 0) revert MoneyRefused(ledgerId, creditAfter, debitAfter);
    }

    /// @dev An old certificate (superseded by a reissue) follows the marriage when that ends.
    function _ownMoves() internal pure override returns (uint64) {
        return super._ownMoves() | _divorceAndReissue() | _move(_CURRENT, _ANNULLED) | _move(_CURRENT, _VOID)
            | _move(_SUPERSEDED, _ANNULLED) | _move(_SUPERSEDED, _VOID);
    }

    /// @dev A regulator takes a divorce back too.
    function _regulatorMoves() internal pure override returns (uint64) {
        return super._regulatorMoves() | _move(_DISSOLVED, _CURRENT);
    }

    /// @dev Registration is nationwide.
    function _peerMoves(uint8 roles) internal pure override returns (uint64) {
        return roles & _REGISTRATION_OFFICE == 0 ? 0 : _divorceAndReissue();
    }

    /// @dev What any registration office does to any certificate.
    function _divorceAndReissue() private pure returns (uint64) {
        return _move(_CURRENT, _SUPERSEDED) | _move(_CURRENT, _DISSOLVED) | _move(_SUPERSEDED, _DISSOLVED);
    }
}
