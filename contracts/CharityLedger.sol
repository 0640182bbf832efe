// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AnchorLedger} from "./AnchorLedger.sol";
import {IInstitutions} from "./interfaces/IInstitutions.sol";
import {LedgerId} from "./libraries/LedgerId.sol";

/// @title Ledgers of charity campaigns
/// @notice A campaign never spends more than it received: cumulative debit stays within cumulative credit.
contract CharityLedger is AnchorLedger {
    /// @notice Thrown when a batch would spend more than was ever received.
    /// @param ledgerId The ledger.
    /// @param expected Cumulative credit with this batch, in fen: the most that may be spent.
    /// @param got Cumulative debit with this batch, in fen.
    error DebitExceedsCredit(LedgerId ledgerId, uint64 expected, uint64 got);

    /// @notice Binds the contract to its network and register.
    /// @param networkId_ The network's 32 random bytes.
    /// @param institutions_ The register of institutions.
    constructor(bytes32 networkId_, IInstitutions institutions_) AnchorLedger(networkId_, institutions_) {}

    /// @dev Cumulative debit within cumulative credit.
    function _checkPolicy(LedgerId ledgerId, uint64 creditAfter, uint64 debitAfter) internal pure override {
        if (debitAfter > creditAfter) revert DebitExceedsCredit(ledgerId, creditAfter, debitAfter);
    }
}
