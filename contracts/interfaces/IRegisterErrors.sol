// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LedgerId} from "../libraries/LedgerId.sol";
import {Uscc} from "../libraries/Uscc.sol";

/// @title Refusals of the register that ledgers give too
/// @notice A ledger asks the register, or passes its refusal on; declared once, so that either ABI decodes them.
interface IRegisterErrors {
    /// @notice Thrown when an account may not act for the organization now: it is not delegated, or the organization
    /// is not active.
    /// @param uscc The organization.
    /// @param account The account.
    error NotEntitled(Uscc uscc, address account);

    /// @notice Thrown when an organization lacks the role that the act needs.
    /// @param uscc The organization.
    /// @param expected The role's bit, or several of which one is needed.
    /// @param got Its roles.
    error RoleMissing(Uscc uscc, uint8 expected, uint8 got);

    /// @notice Thrown when a contract that is not the policy of the kind opens or records a ledger.
    /// @param kind The kind in the ledger's name.
    /// @param expected The policy contract of that kind; zero when none is set.
    /// @param got The contract.
    error NotPolicy(bytes16 kind, address expected, address got);

    /// @notice Thrown when a ledger of this name stands already in this network.
    /// @param name The full name.
    /// @param got The ledger that has the name.
    error NameTaken(string name, LedgerId got);
}
