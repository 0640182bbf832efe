// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {InstitutionsStorage} from "./InstitutionsStorage.sol";
import {IInstitutions} from "./interfaces/IInstitutions.sol";
import {LedgerId, LedgerNames} from "./libraries/LedgerId.sol";
import {Uscc} from "./libraries/Uscc.sol";

/// @title Register of institutions
/// @notice Who may anchor, who may sign, and which ledgers there are.
/// @dev The only contract with access control: an admin (two-step, delayed transfer) who appoints registrars and sets
/// policies, and registrars who register organizations. Neither can act for an organization that stands on its own,
/// except by a suspension, an announced end or an announced recovery, all of them events.
contract Institutions is InstitutionsStorage, IInstitutions, AccessControlDefaultAdminRules {
    using SafeCast for uint256;

    /// @notice Registers organizations and their first key and account.
    bytes32 public constant REGISTRAR_ROLE = keccak256("REGISTRAR");

    /// @dev Role bit of an organization that sets budgets, suspends and reverses.
    uint8 private constant _REGULATOR = 2;

    /// @dev All role bits: issuer 1, regulator 2, auditor 4, operator 8, registration office 16.
    uint8 private constant _ALL_ROLES = 31;

    /// @dev Algorithm Ed25519 (RFC 8032), public key of 32 bytes.
    uint8 private constant _ED25519 = 1;

    /// @dev Algorithm SM2 (GB/T 32918), public key as uncompressed point of 65 bytes.
    uint8 private constant _SM2 = 2;

    /// @dev Purposes are 1 submission, 2 receipt, 3 checkpoint.
    uint8 private constant _LAST_PURPOSE = 3;

    /// @inheritdoc IInstitutions
    uint64 public immutable longestDeadline;

    /// @notice Appoints the admin.
    /// @param admin The first admin.
    /// @param adminDelay Seconds that a transfer of the admin's role waits.
    /// @param longestDeadline_ Longest time between acceptance of an entry and the deadline of its receipt.
    constructor(address admin, uint48 adminDelay, uint64 longestDeadline_)
        AccessControlDefaultAdminRules(adminDelay, admin)
    {
        if (longestDeadline_ == 0) revert LongestDeadlineMissing();
        longestDeadline = longestDeadline_;
    }

    // --- organizations ---

    /// @inheritdoc IInstitutions
    function registerOrganization(Uscc uscc, uint8 roles, uint64 from, uint64 until) external onlyRole(REGISTRAR_ROLE) {
        uscc.requireValid();
        if (_organizations[uscc].roles != 0) revert OrganizationExists(uscc);
        if (roles == 0 || roles > _ALL_ROLES) revert RolesMalformed(_ALL_ROLES, roles);
        from = _startOf(from, until);
        _organizations[uscc] =
            Organization({from: from, until: until, roles: roles, suspended: false, hasKey: false, hasAccount: false});
        emit OrganizationRegistered(uscc, roles, from, until);
    }

    /// @inheritdoc IInstitutions
    function endOrganization(Uscc uscc, uint64 until) external onlyRole(REGISTRAR_ROLE) {
        Organization storage organization = _known(uscc);
        _requireEnd(organization.until, until, _now() + longestDeadline);
        organization.until = until;
        emit OrganizationEnded(uscc, until);
    }

    /// @inheritdoc IInstitutions
    function suspendOrganization(Uscc uscc, Uscc by, bytes32 reason) external {
        _setSuspended(uscc, by, true);
        emit OrganizationSuspended(uscc, by, reason, msg.sender);
    }

    /// @inheritdoc IInstitutions
    function resumeOrganization(Uscc uscc, Uscc by) external {
        _setSuspended(uscc, by, false);
        emit OrganizationResumed(uscc, by, msg.sender);
    }

    // --- accounts ---

    /// @inheritdoc IInstitutions
    function delegate(Uscc uscc, address account, uint64 from, uint64 until) external {
        Organization storage organization = _known(uscc);
        if (organization.hasAccount) _requireEntitled(uscc);
        else _checkRole(REGISTRAR_ROLE);
        organization.hasAccount = true;
        _delegate(uscc, account, _startOf(from, until), until);
    }

    /// @inheritdoc IInstitutions
    function endDelegation(Uscc uscc, address account, uint64 until) external {
        Delegation storage delegation = _delegations[uscc][account];
        if (delegation.from == 0) revert DelegationUnknown(uscc, account);
        _requireEnd(delegation.until, until, _earliestEndBySender(uscc));
        delegation.until = until;
        emit DelegationEnded(uscc, account, until);
    }

    // --- keys ---

    /// @inheritdoc IInstitutions
    function addKey(Uscc uscc, uint8 alg, bytes calldata publicKey, uint8 purpose, uint32 from, uint32 until)
        external
        returns (bytes32 keyId)
    {
        Organization storage organization = _known(uscc);
        if (organization.hasKey) _requireEntitled(uscc);
        else _checkRole(REGISTRAR_ROLE);
        organization.hasKey = true;
        return _addKey(uscc, alg, publicKey, purpose, _startOf(from, until), until);
    }

    /// @inheritdoc IInstitutions
    function endKey(bytes32 keyId, uint32 until) external {
        Key storage key = _knownKey(keyId);
        Uscc uscc = key.uscc;
        _requireEnd(key.until, until, _earliestEndBySender(uscc));
        key.until = until;
        emit KeyEnded(uscc, keyId, until);
    }

    /// @inheritdoc IInstitutions
    function compromiseKey(bytes32 keyId, uint32 since) external {
        Key storage key = _knownKey(keyId);
        Uscc uscc = key.uscc;
        if (!hasRole(REGISTRAR_ROLE, msg.sender)) _requireEntitled(uscc);
        uint32 latest = key.compromisedFrom == 0 ? uint256(_now()).toUint32() : key.compromisedFrom - 1;
        if (since == 0 || since > latest) revert CompromiseMalformed(keyId, latest, since);
        key.compromisedFrom = since;
        emit KeyCompromised(uscc, keyId, since);
    }

    // --- recoveries ---

    /// @inheritdoc IInstitutions
    function announceRecovery(Uscc uscc, uint8 alg, bytes calldata publicKey, uint8 purpose)
        external
        onlyRole(REGISTRAR_ROLE)
        returns (bytes32 recoveryId)
    {
        _requireNewKey(alg, publicKey, purpose);
        return _announce(uscc, _recoveryId(uscc, alg, publicKey, purpose));
    }

    /// @inheritdoc IInstitutions
    function executeRecovery(Uscc uscc, uint8 alg, bytes calldata publicKey, uint8 purpose)
        external
        onlyRole(REGISTRAR_ROLE)
        returns (bytes32 keyId)
    {
        bytes32 recoveryId = _recoveryId(uscc, alg, publicKey, purpose);
        _consume(recoveryId);
        _organizations[uscc].hasKey = true;
        keyId = _addKey(uscc, alg, publicKey, purpose, _now(), 0);
        emit RecoveryExecuted(uscc, recoveryId);
    }

    /// @inheritdoc IInstitutions
    function announceAccountRecovery(Uscc uscc, address account)
        external
        onlyRole(REGISTRAR_ROLE)
        returns (bytes32 recoveryId)
    {
        if (account == address(0)) revert AccountMissing();
        return _announce(uscc, _accountRecoveryId(uscc, account));
    }

    /// @inheritdoc IInstitutions
    function executeAccountRecovery(Uscc uscc, address account) external onlyRole(REGISTRAR_ROLE) {
        bytes32 recoveryId = _accountRecoveryId(uscc, account);
        _consume(recoveryId);
        _organizations[uscc].hasAccount = true;
        _delegate(uscc, account, _now(), 0);
        emit RecoveryExecuted(uscc, recoveryId);
    }

    /// @inheritdoc IInstitutions
    function cancelRecovery(bytes32 recoveryId) external {
        Uscc uscc = _recoveries[recoveryId].uscc;
        if (uscc.isZero()) revert RecoveryUnknown(recoveryId);
        if (!hasRole(REGISTRAR_ROLE, msg.sender)) _requireEntitled(uscc);
        delete _recoveries[recoveryId];
        emit RecoveryCancelled(uscc, recoveryId, msg.sender);
    }

    // --- ledgers ---

    /// @inheritdoc IInstitutions
    function setPolicy(bytes16 kind, address ledgerContract) external onlyRole(DEFAULT_ADMIN_ROLE) {
        LedgerNames.requireKind(kind);
        if (ledgerContract != address(0) && ledgerContract.code.length == 0) revert PolicyWithoutCode(ledgerContract);
        _policies[kind] = ledgerContract;
        emit PolicySet(kind, ledgerContract);
    }

    /// @inheritdoc IInstitutions
    function recordLedger(Uscc uscc, LedgerId ledgerId, string calldata name) external {
        bytes16 kind = LedgerNames.kindOf(name);
        if (_policies[kind] != msg.sender) revert NotPolicy(kind, _policies[kind], msg.sender);
        bytes32 nameHash = keccak256(bytes(name));
        LedgerId holder = _ledgerNames[nameHash];
        if (LedgerId.unwrap(holder) != 0) revert NameTaken(name, holder);
        _ledgerNames[nameHash] = ledgerId;
        _ledgerContracts[ledgerId] = msg.sender;
        _ledgersOf[uscc].push(ledgerId);
        emit LedgerRecorded(uscc, ledgerId, msg.sender, name);
    }

    // --- views ---

    /// @inheritdoc IInstitutions
    function mayAnchor(Uscc uscc, address account) external view returns (bool) {
        return _mayAnchor(uscc, account);
    }

    /// @inheritdoc IInstitutions
    function isActive(Uscc uscc) external view returns (bool) {
        return _isActive(uscc);
    }

    /// @inheritdoc IInstitutions
    function rolesOf(Uscc uscc) external view returns (uint8) {
        return _organizations[uscc].roles;
    }

    /// @inheritdoc IInstitutions
    function organizationOf(Uscc uscc) external view returns (Organization memory) {
        return _organizations[uscc];
    }

    /// @inheritdoc IInstitutions
    function delegationOf(Uscc uscc, address account) external view returns (Delegation memory) {
        return _delegations[uscc][account];
    }

    /// @inheritdoc IInstitutions
    function keyOf(bytes32 keyId) external view returns (Key memory) {
        return _keys[keyId];
    }

    /// @inheritdoc IInstitutions
    function recoveryOf(bytes32 recoveryId) external view returns (Recovery memory) {
        return _recoveries[recoveryId];
    }

    /// @inheritdoc IInstitutions
    function policyOf(bytes16 kind) external view returns (address) {
        return _policies[kind];
    }

    /// @inheritdoc IInstitutions
    function ledgersOf(Uscc uscc) external view returns (LedgerId[] memory) {
        return _ledgersOf[uscc];
    }

    /// @inheritdoc IInstitutions
    function ledgerCountOf(Uscc uscc) external view returns (uint256) {
        return _ledgersOf[uscc].length;
    }

    /// @inheritdoc IInstitutions
    function ledgerAt(Uscc uscc, uint256 index) external view returns (LedgerId) {
        return _ledgersOf[uscc][index];
    }

    /// @inheritdoc IInstitutions
    function ledgerContractOf(LedgerId ledgerId) external view returns (address) {
        return _ledgerContracts[ledgerId];
    }

    /// @inheritdoc IInstitutions
    function ledgerNamed(string calldata name) external view returns (LedgerId) {
        return _ledgerNames[keccak256(bytes(name))];
    }

    // --- changes, after their checks ---

    /// @dev Suspends or resumes, after checking the caller's right.
    function _setSuspended(Uscc uscc, Uscc by, bool suspended) private {
        if (by.isZero()) _checkRole(REGISTRAR_ROLE);
        else _requireRegulator(by);
        Organization storage organization = _known(uscc);
        if (organization.suspended == suspended) revert SuspensionMismatch(uscc, !suspended, suspended);
        organization.suspended = suspended;
    }

    /// @dev Writes a delegation, unless one is running or to come.
    function _delegate(Uscc uscc, address account, uint64 from, uint64 until) private {
        if (account == address(0)) revert AccountMissing();
        Delegation storage delegation = _delegations[uscc][account];
        if (delegation.from != 0 && (delegation.until == 0 || delegation.until > _now())) {
            revert DelegationExists(uscc, account);
        }
        _delegations[uscc][account] = Delegation({from: from, until: until});
        emit Delegated(uscc, account, from, until);
    }

    /// @dev Writes a key, unless it is known or malformed.
    function _addKey(Uscc uscc, uint8 alg, bytes calldata publicKey, uint8 purpose, uint64 from, uint32 until)
        private
        returns (bytes32 keyId)
    {
        keyId = _requireNewKey(alg, publicKey, purpose);
        uint32 start = uint256(from).toUint32();
        _keys[keyId] = Key({compromisedFrom: 0, until: until, from: start, purpose: purpose, alg: alg, uscc: uscc});
        emit KeyAdded(uscc, keyId, alg, publicKey, purpose, start, until);
    }

    /// @dev Announces a recovery that waits for the longest deadline.
    function _announce(Uscc uscc, bytes32 recoveryId) private returns (bytes32) {
        _known(uscc);
        if (!_recoveries[recoveryId].uscc.isZero()) revert RecoveryExists(recoveryId);
        uint64 readyAt = _now() + longestDeadline;
        _recoveries[recoveryId] = Recovery({uscc: uscc, readyAt: readyAt});
        emit RecoveryAnnounced(uscc, recoveryId, readyAt);
        return recoveryId;
    }

    /// @dev Takes an announced recovery off the list once its time has come.
    function _consume(bytes32 recoveryId) private {
        Recovery memory recovery = _recoveries[recoveryId];
        if (recovery.uscc.isZero()) revert RecoveryUnknown(recoveryId);
        if (_now() < recovery.readyAt) revert RecoveryTooEarly(recoveryId, recovery.readyAt, _now());
        delete _recoveries[recoveryId];
    }

    // --- checks ---

    /// @dev The organization, which must be registered.
    function _known(Uscc uscc) private view returns (Organization storage organization) {
        organization = _organizations[uscc];
        if (organization.roles == 0) revert OrganizationUnknown(uscc);
    }

    /// @dev The key, which must be registered.
    function _knownKey(bytes32 keyId) private view returns (Key storage key) {
        key = _keys[keyId];
        if (key.uscc.isZero()) revert KeyUnknown(keyId);
    }

    /// @dev Registered, within its time and not suspended.
    function _isActive(Uscc uscc) private view returns (bool) {
        Organization storage organization = _organizations[uscc];
        return _isOpen(organization.from, organization.until) && !organization.suspended;
    }

    /// @dev Active organization, delegation in force.
    function _mayAnchor(Uscc uscc, address account) private view returns (bool) {
        if (!_isActive(uscc)) return false;
        Delegation storage delegation = _delegations[uscc][account];
        return _isOpen(delegation.from, delegation.until);
    }

    /// @dev The caller must be entitled for the organization.
    function _requireEntitled(Uscc uscc) private view {
        if (!_mayAnchor(uscc, msg.sender)) revert NotEntitled(uscc, msg.sender);
    }

    /// @dev The caller must be entitled for a regulator.
    function _requireRegulator(Uscc by) private view {
        uint8 roles = _organizations[by].roles;
        if (roles & _REGULATOR == 0) revert RoleMissing(by, _REGULATOR, roles);
        _requireEntitled(by);
    }

    /// @dev The earliest end that the caller may set: an entitled account the next moment, a registrar the deadline.
    function _earliestEndBySender(Uscc uscc) private view returns (uint64) {
        if (_mayAnchor(uscc, msg.sender)) return _now() + 1;
        if (!hasRole(REGISTRAR_ROLE, msg.sender)) revert NotEntitled(uscc, msg.sender);
        return _now() + longestDeadline;
    }

    /// @dev Whether a window holds at this block; one that was never written, with start 0, never does.
    function _isOpen(uint64 from, uint64 until) private view returns (bool) {
        return from != 0 && from <= block.timestamp && (until == 0 || block.timestamp < until);
    }

    /// @dev The start that a window gets; reverts for a start in the past or an empty window.
    function _startOf(uint64 from, uint64 until) private view returns (uint64 start) {
        start = from == 0 ? _now() : from;
        if (start < _now()) revert StartInPast(_now(), from);
        if (until != 0 && until <= start) revert WindowEmpty(start + 1, until);
    }

    /// @dev Block time as it is kept.
    function _now() private view returns (uint64) {
        return uint64(block.timestamp);
    }

    /// @dev The key's identity; reverts when the key is malformed or known.
    function _requireNewKey(uint8 alg, bytes calldata publicKey, uint8 purpose) private view returns (bytes32 keyId) {
        if (alg != _ED25519 && alg != _SM2) revert AlgorithmUnknown(alg);
        uint256 length = alg == _ED25519 ? 32 : 65;
        if (publicKey.length != length) revert PublicKeyMalformed(length, publicKey.length);
        if (purpose == 0 || purpose > _LAST_PURPOSE) revert PurposeUnknown(purpose);
        keyId = sha256(abi.encodePacked(alg, publicKey));
        if (!_keys[keyId].uscc.isZero()) revert KeyExists(keyId);
    }

    /// @dev A new end must not lie before `earliest`, and must lie before the one that stands.
    function _requireEnd(uint64 standing, uint64 until, uint64 earliest) private pure {
        if (until < earliest) revert EndTooEarly(earliest, until);
        if (standing != 0 && until >= standing) revert EndExtended(standing, until);
    }

    /// @dev Identity of the recovery of a key.
    function _recoveryId(Uscc uscc, uint8 alg, bytes calldata publicKey, uint8 purpose) private pure returns (bytes32) {
        return keccak256(abi.encode(uscc, alg, publicKey, purpose));
    }

    /// @dev Identity of the recovery of an account.
    function _accountRecoveryId(Uscc uscc, address account) private pure returns (bytes32) {
        return keccak256(abi.encode(uscc, account));
    }
}
