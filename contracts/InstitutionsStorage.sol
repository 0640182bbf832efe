// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "./interfaces/IInstitutions.sol";
import {LedgerId} from "./libraries/LedgerId.sol";
import {Uscc} from "./libraries/Uscc.sol";

/// @title Storage of {Institutions}
/// @notice Stands first in the line of inheritance, so that its slots come before those of access control.
/// @dev Pinned: evidence proves key slots, `keccak256(keyId || 0)`.
/// Slots: 0 keys · 1 organizations · 2 delegations · 3 ledgersOf · 4 ledgerContracts · 5 ledgerNames · 6 policies
/// · 7 recoveries, then those of access control.
abstract contract InstitutionsStorage {
    /// @dev Slot 0.
    mapping(bytes32 keyId => IInstitutions.Key key) internal _keys;

    /// @dev Slot 1.
    mapping(Uscc uscc => IInstitutions.Organization organization) internal _organizations;

    /// @dev Slot 2.
    mapping(Uscc uscc => mapping(address account => IInstitutions.Delegation delegation)) internal _delegations;

    /// @dev Slot 3.
    mapping(Uscc uscc => LedgerId[] ledgerIds) internal _ledgersOf;

    /// @dev Slot 4.
    mapping(LedgerId ledgerId => address ledgerContract) internal _ledgerContracts;

    /// @dev Slot 5.
    mapping(bytes32 nameHash => LedgerId ledgerId) internal _ledgerNames;

    /// @dev Slot 6.
    mapping(bytes16 kind => address ledgerContract) internal _policies;

    /// @dev Slot 7.
    mapping(bytes32 recoveryId => IInstitutions.Recovery recovery) internal _recoveries;
}
