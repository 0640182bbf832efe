// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LedgerId} from "../libraries/LedgerId.sol";
import {Uscc} from "../libraries/Uscc.sol";

/// @title Budgets of subsidy ledgers
/// @notice A regulator sets how much a ledger may pay out net of recoveries. A raise holds at once; a cut holds only
/// after the longest deadline, so that whatever was accepted under the old budget can still be anchored.
interface ISubsidyLedger {
    /// @notice A ledger's budget, in one slot.
    /// @dev Slot, high to low: 8 free bytes | now u64 | next u64 | nextFrom u64.
    /// @param nextFrom Time from which `next` holds; 0 when no cut is coming.
    /// @param next The budget after the cut.
    /// @param present The budget until then.
    struct Budget {
        uint64 nextFrom;
        uint64 next;
        uint64 present;
    }

    /// @notice Emitted when a regulator set a budget.
    /// @param ledgerId The ledger.
    /// @param by The regulator.
    /// @param present The budget in force, in fen.
    /// @param next The budget after a coming cut, in fen; 0 without one.
    /// @param nextFrom Time from which `next` holds; 0 without a cut.
    /// @param actor The account that acted.
    event BudgetSet(
        LedgerId indexed ledgerId, Uscc indexed by, uint64 present, uint64 next, uint64 nextFrom, address actor
    );

    /// @notice Thrown when a batch would add to a net payout that passes the budget.
    /// @param ledgerId The ledger.
    /// @param expected The budget in force, in fen.
    /// @param got The net payout that would be: debits less credits, in fen.
    error BudgetExceeded(LedgerId ledgerId, uint64 expected, uint64 got);

    /// @notice Sets a ledger's budget. An account entitled for a regulator.
    /// @param ledgerId The ledger.
    /// @param by The regulator on whose behalf the caller acts.
    /// @param amount Fen, at most 2^53-1. A call replaces a cut that is still to come.
    function setBudget(LedgerId ledgerId, Uscc by, uint64 amount) external;

    /// @notice Gives a ledger's budget.
    /// @param ledgerId The ledger.
    /// @return present Fen in force at this block; 0 when none was set.
    /// @return next Fen after a coming cut; 0 without one.
    /// @return nextFrom Time of that cut; 0 without one.
    function budgetOf(LedgerId ledgerId) external view returns (uint64 present, uint64 next, uint64 nextFrom);
}
