// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AnchorLedger} from "./AnchorLedger.sol";
import {IInstitutions} from "./interfaces/IInstitutions.sol";
import {ISubsidyLedger} from "./interfaces/ISubsidyLedger.sol";
import {LedgerId} from "./libraries/LedgerId.sol";
import {LedgerState} from "./libraries/LedgerState.sol";
import {Uscc} from "./libraries/Uscc.sol";

/// @title Ledgers of subsidies and assistance
/// @notice Payouts net of recoveries stay within the budget that a regulator set for the ledger.
contract SubsidyLedger is AnchorLedger, ISubsidyLedger {
    /// @dev What a cut waits, fixed at deployment from the register.
    uint64 private immutable _longestDeadline;

    /// @notice Binds the contract to its network and register.
    /// @param networkId_ The network's 32 random bytes.
    /// @param institutions_ The register of institutions.
    constructor(bytes32 networkId_, IInstitutions institutions_) AnchorLedger(networkId_, institutions_) {
        _longestDeadline = institutions_.longestDeadline();
    }

    /// @inheritdoc ISubsidyLedger
    function setBudget(LedgerId ledgerId, Uscc by, uint64 amount) external {
        _knownMeta(ledgerId);
        _requireRole(by, _REGULATOR);
        _requireEntitled(by);
        if (amount > _MAX_SUM) revert SumExceeded(ledgerId, _MAX_SUM, amount);
        uint64 present = _inForce(_budgets[ledgerId]);
        Budget memory budget = amount < present
            ? Budget({nextFrom: uint64(block.timestamp) + _longestDeadline, next: amount, present: present})
            : Budget({nextFrom: 0, next: 0, present: amount});
        _budgets[ledgerId] = budget;
        emit BudgetSet(ledgerId, by, budget.present, budget.next, budget.nextFrom, msg.sender);
    }

    /// @inheritdoc ISubsidyLedger
    function budgetOf(LedgerId ledgerId) external view returns (uint64 present, uint64 next, uint64 nextFrom) {
        Budget storage budget = _budgets[ledgerId];
        bool coming = block.timestamp < budget.nextFrom;
        return (_inForce(budget), coming ? budget.next : 0, coming ? budget.nextFrom : 0);
    }

    /// @dev A batch that adds nothing to the net payout always holds, so that recoveries and decisions can be anchored
    /// after a cut below what was paid already.
    function _checkPolicy(LedgerId ledgerId, uint64 creditAfter, uint64 debitAfter) internal view override {
        if (debitAfter <= creditAfter) return;
        uint64 net = debitAfter - creditAfter;
        uint64 budget = _inForce(_budgets[ledgerId]);
        if (net <= budget) return;
        LedgerState before = _states[ledgerId];
        if (uint256(before.debit()) + creditAfter < uint256(debitAfter) + before.credit()) {
            revert BudgetExceeded(ledgerId, budget, net);
        }
    }

    /// @dev The budget that holds at this block.
    function _inForce(Budget storage budget) private view returns (uint64) {
        (uint64 nextFrom, uint64 next, uint64 present) = (budget.nextFrom, budget.next, budget.present);
        return nextFrom != 0 && block.timestamp >= nextFrom ? next : present;
    }
}
