// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LedgerId} from "../libraries/LedgerId.sol";
import {Uscc} from "../libraries/Uscc.sol";
import {IRegisterErrors} from "./IRegisterErrors.sol";

/// @title Register of institutions
/// @notice Organizations with their roles, accounts and signing keys, the policy contract of each kind of ledger, and
/// every ledger of every organization, enumerable, so that no ledger can be hidden.
/// @dev Times are in the engine's unit of `block.timestamp`. A window holds from `from` up to, not including, `until`;
/// `until` 0 is open. As an argument, `from` 0 means the present block. A start never lies in the past, an end lies in
/// the future and is never put off.
interface IInstitutions is IRegisterErrors {
    /// @notice An organization, in one slot.
    /// @dev Slot, high to low: 12 free bytes | hasAccount u8 | hasKey u8 | suspended u8 | roles u8 | until u64 |
    /// from u64.
    /// @param from Start of its activity.
    /// @param until End of its activity, 0 open.
    /// @param roles Bits: issuer 1, regulator 2, auditor 4, operator 8, registration office 16. Never 0.
    /// @param suspended Whether an emergency suspension is in force.
    /// @param hasKey Whether a key was ever added; from then on the organization adds its own.
    /// @param hasAccount Whether an account was ever delegated; from then on the organization delegates its own.
    struct Organization {
        uint64 from;
        uint64 until;
        uint8 roles;
        bool suspended;
        bool hasKey;
        bool hasAccount;
    }

    /// @notice A signing key, in one slot that evidence proves.
    /// @dev Slot, high to low: uscc bytes18 | alg u8 | purpose u8 | from u32 | until u32 | compromisedFrom u32.
    /// @param compromisedFrom Time from which the key may be in wrong hands, 0 never.
    /// @param until End of validity, 0 open.
    /// @param from Start of validity.
    /// @param purpose 1 submission, 2 receipt, 3 checkpoint.
    /// @param alg 1 Ed25519, 2 SM2.
    /// @param uscc The organization that signs with it.
    struct Key {
        uint32 compromisedFrom;
        uint32 until;
        uint32 from;
        uint8 purpose;
        uint8 alg;
        Uscc uscc;
    }

    /// @notice An account's right to act for an organization.
    /// @param from Start, 0 when never delegated.
    /// @param until End, 0 open.
    struct Delegation {
        uint64 from;
        uint64 until;
    }

    /// @notice A recovery that the registrar announced.
    /// @param uscc The organization that recovers; zero when nothing is announced.
    /// @param readyAt Earliest time of execution.
    struct Recovery {
        Uscc uscc;
        uint64 readyAt;
    }

    /// @notice Emitted when an organization was registered.
    /// @param uscc Its code.
    /// @param roles Its roles.
    /// @param from Start of its activity.
    /// @param until End of its activity, 0 open.
    event OrganizationRegistered(Uscc indexed uscc, uint8 roles, uint64 from, uint64 until);

    /// @notice Emitted when the end of an organization's activity was set.
    /// @param uscc Its code.
    /// @param until The end.
    event OrganizationEnded(Uscc indexed uscc, uint64 until);

    /// @notice Emitted when an organization was suspended at once; it excuses receipts that fall due meanwhile.
    /// @param uscc Its code.
    /// @param by The regulator, or zero when the registrar acted.
    /// @param reason Hash or short code of the reason; nothing personal.
    /// @param actor The account that acted.
    event OrganizationSuspended(Uscc indexed uscc, Uscc indexed by, bytes32 reason, address actor);

    /// @notice Emitted when a suspension was lifted.
    /// @param uscc Its code.
    /// @param by The regulator, or zero when the registrar acted.
    /// @param actor The account that acted.
    event OrganizationResumed(Uscc indexed uscc, Uscc indexed by, address actor);

    /// @notice Emitted when an account was delegated for an organization.
    /// @param uscc The organization.
    /// @param account The account.
    /// @param from Start.
    /// @param until End, 0 open.
    event Delegated(Uscc indexed uscc, address indexed account, uint64 from, uint64 until);

    /// @notice Emitted when the end of a delegation was set.
    /// @param uscc The organization.
    /// @param account The account.
    /// @param until The end.
    event DelegationEnded(Uscc indexed uscc, address indexed account, uint64 until);

    /// @notice Emitted when a signing key was added.
    /// @param uscc The organization.
    /// @param keyId `sha256(alg || publicKey)`.
    /// @param alg 1 Ed25519, 2 SM2.
    /// @param publicKey The public key.
    /// @param purpose 1 submission, 2 receipt, 3 checkpoint.
    /// @param from Start.
    /// @param until End, 0 open.
    event KeyAdded(
        Uscc indexed uscc, bytes32 indexed keyId, uint8 alg, bytes publicKey, uint8 purpose, uint32 from, uint32 until
    );

    /// @notice Emitted when the end of a key was set.
    /// @param uscc The organization.
    /// @param keyId The key.
    /// @param until The end.
    event KeyEnded(Uscc indexed uscc, bytes32 indexed keyId, uint32 until);

    /// @notice Emitted when a key was declared compromised.
    /// @param uscc The organization.
    /// @param keyId The key.
    /// @param since Time from which signatures prove nothing any more.
    event KeyCompromised(Uscc indexed uscc, bytes32 indexed keyId, uint32 since);

    /// @notice Emitted when the registrar announced a recovery.
    /// @param uscc The organization.
    /// @param recoveryId The recovery, see {announceRecovery} and {announceAccountRecovery}.
    /// @param readyAt Earliest time of execution.
    event RecoveryAnnounced(Uscc indexed uscc, bytes32 indexed recoveryId, uint64 readyAt);

    /// @notice Emitted when an announced recovery was executed, after its {KeyAdded} or {Delegated}.
    /// @param uscc The organization.
    /// @param recoveryId The recovery.
    event RecoveryExecuted(Uscc indexed uscc, bytes32 indexed recoveryId);

    /// @notice Emitted when an announced recovery was called off.
    /// @param uscc The organization.
    /// @param recoveryId The recovery.
    /// @param actor The account that acted.
    event RecoveryCancelled(Uscc indexed uscc, bytes32 indexed recoveryId, address actor);

    /// @notice Emitted when the policy contract of a kind of ledger was set.
    /// @param kind The kind, zero-padded on the right.
    /// @param ledgerContract The contract in which ledgers of that kind are opened from now on; zero for none.
    event PolicySet(bytes16 indexed kind, address indexed ledgerContract);

    /// @notice Emitted when a ledger was recorded for an organization.
    /// @param uscc The organization.
    /// @param ledgerId The ledger.
    /// @param ledgerContract The contract that keeps it.
    /// @param name Its full name.
    event LedgerRecorded(Uscc indexed uscc, LedgerId indexed ledgerId, address ledgerContract, string name);

    /// @notice Thrown when the longest deadline is zero at deployment.
    error LongestDeadlineMissing();

    /// @notice Thrown when no organization has this code.
    /// @param uscc The code.
    error OrganizationUnknown(Uscc uscc);

    /// @notice Thrown when the code is registered already.
    /// @param uscc The code.
    error OrganizationExists(Uscc uscc);

    /// @notice Thrown when an organization is suspended already, or is not when it should be resumed.
    /// @param uscc The code.
    /// @param expected The state that the call needs.
    /// @param got The present state.
    error SuspensionMismatch(Uscc uscc, bool expected, bool got);

    /// @notice Thrown when roles are none or have unknown bits.
    /// @param expected All known bits.
    /// @param got The roles as given.
    error RolesMalformed(uint8 expected, uint8 got);

    /// @notice Thrown when a start lies in the past.
    /// @param expected The earliest possible start.
    /// @param got The start as given.
    error StartInPast(uint64 expected, uint64 got);

    /// @notice Thrown when a window ends before it starts.
    /// @param expected The earliest possible end.
    /// @param got The end as given.
    error WindowEmpty(uint64 expected, uint64 got);

    /// @notice Thrown when an end lies too early.
    /// @param expected The earliest possible end.
    /// @param got The end as given.
    error EndTooEarly(uint64 expected, uint64 got);

    /// @notice Thrown when an end would be put off.
    /// @param expected The end that stands; a new one must lie before it.
    /// @param got The end as given.
    error EndExtended(uint64 expected, uint64 got);

    /// @notice Thrown when an account has a delegation that is not over.
    /// @param uscc The organization.
    /// @param account The account.
    error DelegationExists(Uscc uscc, address account);

    /// @notice Thrown when an account was never delegated for the organization.
    /// @param uscc The organization.
    /// @param account The account.
    error DelegationUnknown(Uscc uscc, address account);

    /// @notice Thrown when the zero address is given as an account.
    error AccountMissing();

    /// @notice Thrown when a key is registered already, for any organization.
    /// @param keyId The key.
    error KeyExists(bytes32 keyId);

    /// @notice Thrown when no such key is registered.
    /// @param keyId The key.
    error KeyUnknown(bytes32 keyId);

    /// @notice Thrown when an algorithm is neither 1 (Ed25519) nor 2 (SM2).
    /// @param alg The algorithm as given.
    error AlgorithmUnknown(uint8 alg);

    /// @notice Thrown when a public key has another length than its algorithm asks for.
    /// @param expected Bytes that the key must have: 32 for Ed25519, 65 (uncompressed point) for SM2.
    /// @param got Bytes given.
    error PublicKeyMalformed(uint256 expected, uint256 got);

    /// @notice Thrown when a purpose is none of 1, 2, 3.
    /// @param purpose The purpose as given.
    error PurposeUnknown(uint8 purpose);

    /// @notice Thrown when the time of compromise is missing, in the future, or later than the one declared before.
    /// @param keyId The key.
    /// @param expected The latest possible time.
    /// @param got The time as given.
    error CompromiseMalformed(bytes32 keyId, uint32 expected, uint32 got);

    /// @notice Thrown when no such recovery is announced.
    /// @param recoveryId The recovery.
    error RecoveryUnknown(bytes32 recoveryId);

    /// @notice Thrown when a recovery is announced already; it keeps its date.
    /// @param recoveryId The recovery.
    error RecoveryExists(bytes32 recoveryId);

    /// @notice Thrown when a recovery is executed before its time.
    /// @param recoveryId The recovery.
    /// @param expected The earliest time.
    /// @param got The present time.
    error RecoveryTooEarly(bytes32 recoveryId, uint64 expected, uint64 got);

    /// @notice Thrown when a policy contract has no code.
    /// @param ledgerContract The address as given.
    error PolicyWithoutCode(address ledgerContract);

    /// @notice Registers an organization. Registrar only.
    /// @param uscc Its code; alphabet and check character are verified.
    /// @param roles Bits: issuer 1, regulator 2, auditor 4, operator 8, registration office 16.
    /// @param from Start of its activity, 0 now.
    /// @param until End of its activity, 0 open.
    function registerOrganization(Uscc uscc, uint8 roles, uint64 from, uint64 until) external;

    /// @notice Sets the end of an organization's activity. Registrar only.
    /// @param uscc The organization.
    /// @param until Not before the longest deadline from now, so that whatever was accepted can still be anchored.
    function endOrganization(Uscc uscc, uint64 until) external;

    /// @notice Suspends an organization at once, for emergencies. Registrar, or an account entitled for a regulator.
    /// @param uscc The organization.
    /// @param by The regulator on whose behalf the caller acts; zero for the registrar.
    /// @param reason Hash or short code of the reason; nothing personal.
    function suspendOrganization(Uscc uscc, Uscc by, bytes32 reason) external;

    /// @notice Lifts a suspension. Registrar, or an account entitled for a regulator.
    /// @param uscc The organization.
    /// @param by The regulator on whose behalf the caller acts; zero for the registrar.
    function resumeOrganization(Uscc uscc, Uscc by) external;

    /// @notice Lets an account act for an organization. The first by the registrar, later ones by an account entitled
    /// for the organization itself.
    /// @param uscc The organization.
    /// @param account The account; an earlier delegation of it must be over.
    /// @param from Start, 0 now.
    /// @param until End, 0 open.
    function delegate(Uscc uscc, address account, uint64 from, uint64 until) external;

    /// @notice Sets the end of a delegation. An account entitled for the organization, at any time in the future; the
    /// registrar, not before the longest deadline.
    /// @param uscc The organization.
    /// @param account The account.
    /// @param until The end; before the one that stands.
    function endDelegation(Uscc uscc, address account, uint64 until) external;

    /// @notice Adds a signing key. The first by the registrar, later ones by an account entitled for the organization.
    /// @param uscc The organization.
    /// @param alg 1 Ed25519, 2 SM2.
    /// @param publicKey 32 bytes for Ed25519, the 65 bytes of the uncompressed point for SM2.
    /// @param purpose 1 submission, 2 receipt, 3 checkpoint.
    /// @param from Start, 0 now. Never in the past: a new key cannot sign for old heads.
    /// @param until End, 0 open.
    /// @return keyId `sha256(alg || publicKey)`.
    function addKey(Uscc uscc, uint8 alg, bytes calldata publicKey, uint8 purpose, uint32 from, uint32 until)
        external
        returns (bytes32 keyId);

    /// @notice Sets the end of a key. An account entitled for its organization, at any time in the future; the
    /// registrar, not before the longest deadline.
    /// @param keyId The key.
    /// @param until The end; before the one that stands.
    function endKey(bytes32 keyId, uint32 until) external;

    /// @notice Declares a key compromised. The registrar, or an account entitled for its organization.
    /// @param keyId The key.
    /// @param since Not in the future; a later call can only move it earlier.
    function compromiseKey(bytes32 keyId, uint32 since) external;

    /// @notice Announces a new key for an organization that lost its own. Registrar only.
    /// @param uscc The organization.
    /// @param alg 1 Ed25519, 2 SM2.
    /// @param publicKey The new public key.
    /// @param purpose 1 submission, 2 receipt, 3 checkpoint.
    /// @return recoveryId `keccak256(abi.encode(uscc, alg, publicKey, purpose))`.
    function announceRecovery(Uscc uscc, uint8 alg, bytes calldata publicKey, uint8 purpose)
        external
        returns (bytes32 recoveryId);

    /// @notice Adds the announced key, valid from now, once the longest deadline has passed. Registrar only.
    /// @param uscc The organization.
    /// @param alg 1 Ed25519, 2 SM2.
    /// @param publicKey The new public key.
    /// @param purpose 1 submission, 2 receipt, 3 checkpoint.
    /// @return keyId The key.
    function executeRecovery(Uscc uscc, uint8 alg, bytes calldata publicKey, uint8 purpose)
        external
        returns (bytes32 keyId);

    /// @notice Announces a new account for an organization that lost its own. Registrar only.
    /// @param uscc The organization.
    /// @param account The new account.
    /// @return recoveryId `keccak256(abi.encode(uscc, account))`.
    function announceAccountRecovery(Uscc uscc, address account) external returns (bytes32 recoveryId);

    /// @notice Delegates the announced account, from now and open, once the longest deadline has passed. Registrar
    /// only.
    /// @param uscc The organization.
    /// @param account The new account.
    function executeAccountRecovery(Uscc uscc, address account) external;

    /// @notice Calls off an announced recovery. The registrar, or an account entitled for the organization.
    /// @param recoveryId The recovery.
    function cancelRecovery(bytes32 recoveryId) external;

    /// @notice Sets the contract in which ledgers of a kind are opened from now on. Admin only.
    /// @param kind One to 16 letters a-z, zero-padded on the right.
    /// @param ledgerContract A contract, or zero so that none can be opened. Ledgers that stand go on where they are.
    function setPolicy(bytes16 kind, address ledgerContract) external;

    /// @notice Records a ledger that was opened. Only the policy contract of its kind.
    /// @param uscc The organization.
    /// @param ledgerId The ledger.
    /// @param name Its full name, which no other ledger of the network has.
    function recordLedger(Uscc uscc, LedgerId ledgerId, string calldata name) external;

    /// @notice Tells whether an account may act for an organization now.
    /// @param uscc The organization.
    /// @param account The account.
    /// @return True when the organization is active and the account's delegation is in force.
    function mayAnchor(Uscc uscc, address account) external view returns (bool);

    /// @notice Tells whether an organization is registered, within its time and not suspended.
    /// @param uscc The organization.
    /// @return True when it is active now.
    function isActive(Uscc uscc) external view returns (bool);

    /// @notice Gives the roles of an organization, active or not.
    /// @param uscc The organization.
    /// @return Role bits, 0 when unknown.
    function rolesOf(Uscc uscc) external view returns (uint8);

    /// @notice Gives an organization.
    /// @param uscc The organization.
    /// @return All zero when unknown.
    function organizationOf(Uscc uscc) external view returns (Organization memory);

    /// @notice Gives a delegation.
    /// @param uscc The organization.
    /// @param account The account.
    /// @return All zero when there never was one.
    function delegationOf(Uscc uscc, address account) external view returns (Delegation memory);

    /// @notice Gives a key.
    /// @param keyId The key.
    /// @return All zero when unknown.
    function keyOf(bytes32 keyId) external view returns (Key memory);

    /// @notice Gives an announced recovery.
    /// @param recoveryId The recovery.
    /// @return All zero when none is announced.
    function recoveryOf(bytes32 recoveryId) external view returns (Recovery memory);

    /// @notice Gives the policy contract of a kind.
    /// @param kind The kind, zero-padded on the right.
    /// @return Zero when none is set.
    function policyOf(bytes16 kind) external view returns (address);

    /// @notice Lists all ledgers of an organization, in the order of their opening.
    /// @param uscc The organization.
    /// @return The ledgers; see {ledgerCountOf} and {ledgerAt} for many.
    function ledgersOf(Uscc uscc) external view returns (LedgerId[] memory);

    /// @notice Counts the ledgers of an organization.
    /// @param uscc The organization.
    /// @return How many were ever opened.
    function ledgerCountOf(Uscc uscc) external view returns (uint256);

    /// @notice Gives one ledger of an organization.
    /// @param uscc The organization.
    /// @param index Zero-based, below {ledgerCountOf}.
    /// @return The ledger.
    function ledgerAt(Uscc uscc, uint256 index) external view returns (LedgerId);

    /// @notice Gives the contract that keeps a ledger.
    /// @param ledgerId The ledger.
    /// @return Zero when unknown.
    function ledgerContractOf(LedgerId ledgerId) external view returns (address);

    /// @notice Finds a ledger by its full name.
    /// @param name The full name.
    /// @return Zero when unknown.
    function ledgerNamed(string calldata name) external view returns (LedgerId);

    /// @notice The longest time between acceptance of an entry and the deadline of its receipt, in units of
    /// `block.timestamp`. Planned ends, budget cuts and recoveries wait that long.
    /// @return The time.
    function longestDeadline() external view returns (uint64);
}
