// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CharityLedger} from "../CharityLedger.sol";
import {Institutions} from "../Institutions.sol";
import {SubsidyLedger} from "../SubsidyLedger.sol";
import {IAnchorLedger} from "../interfaces/IAnchorLedger.sol";
import {LedgerId} from "../libraries/LedgerId.sol";
import {Uscc} from "../libraries/Uscc.sol";
import {vm} from "./Vm.sol";

/// @title Acts of the invariant test
/// @notice Anchors, changes standing, sets budgets and lets time pass, keeping its own account of what happened.
contract Handler {
    /// @notice What the handler remembers of one ledger.
    struct Ghost {
        uint256 entries;
        uint256 credit;
        uint256 debit;
        uint256 highestNet;
        bytes32[] heads;
    }

    uint64 public constant DEADLINE = 3600;
    Uscc public constant ISSUER = Uscc.wrap("533206001234567884");
    Uscc public constant REGULATOR = Uscc.wrap("11330106002519877L");

    Institutions public immutable register;
    CharityLedger public immutable charity;
    SubsidyLedger public immutable subsidy;
    LedgerId public immutable campaign;
    LedgerId public immutable payments;
    LedgerId public immutable decisions;

    mapping(LedgerId ledgerId => Ghost ghost) private _ghosts;
    uint256 public overBudget;
    uint256 public strangersLetIn;

    constructor() {
        register = new Institutions(address(this), 1 days, DEADLINE);
        register.grantRole(register.REGISTRAR_ROLE(), address(this));
        charity = new CharityLedger(bytes32(uint256(1)), register);
        subsidy = new SubsidyLedger(bytes32(uint256(1)), register);
        register.setPolicy("charity", address(charity));
        register.setPolicy("subsidy", address(subsidy));
        _register(ISSUER, 1);
        _register(REGULATOR, 2);
        campaign = charity.openLedger("charity", ISSUER, "A", 1, 0);
        decisions = charity.openLedger("charity", REGULATOR, "D", 1, 0);
        payments = subsidy.openLedger("subsidy", ISSUER, "B", 1, 0);
    }

    function donateAndSpend(uint16 count, uint64 credit, uint64 debit, bytes32 root) external {
        _anchor(charity, campaign, count, credit % 1e6, debit % 6e5, root);
    }

    function decide(uint16 count, bytes32 root) external {
        _anchor(charity, decisions, count, 0, 0, root);
    }

    function payAndRecover(uint16 count, uint64 credit, uint64 debit, bytes32 root) external {
        uint256 before = _net();
        (uint64 budget,,) = subsidy.budgetOf(payments);
        _anchor(subsidy, payments, count, credit % 1e5, debit % 1e6, root);
        if (_net() > before && _net() > budget) ++overBudget;
    }

    function anchorAsStranger(address stranger, bytes32 root) external {
        if (stranger == address(this)) return;
        IAnchorLedger.Anchor[] memory anchors = new IAnchorLedger.Anchor[](1);
        anchors[0] = IAnchorLedger.Anchor(campaign, uint64(_ghosts[campaign].entries), 1, root, 0, 0);
        vm.prank(stranger);
        try charity.anchor(anchors) {
            ++strangersLetIn;
        } catch {}
    }

    function suspendEntry(uint64 seq, uint64 cause, uint8 status) external {
        IAnchorLedger.Mark[] memory marks = new IAnchorLedger.Mark[](1);
        marks[0] = IAnchorLedger.Mark(campaign, seq % 8, status % 7, decisions, cause % 8);
        charity.setStatus(marks);
    }

    function setBudget(uint64 amount) external {
        subsidy.setBudget(payments, REGULATOR, amount % 1e7);
    }

    function letTimePass(uint16 time) external {
        vm.warp(block.timestamp + time);
        vm.roll(block.number + 1);
    }

    function suspendIssuer(uint8 seldom) external {
        if (!register.isActive(ISSUER)) register.resumeOrganization(ISSUER, REGULATOR);
        else if (seldom < 32) register.suspendOrganization(ISSUER, REGULATOR, 0);
    }

    function ghostOf(LedgerId ledgerId) external view returns (Ghost memory) {
        return _ghosts[ledgerId];
    }

    function _register(Uscc uscc, uint8 roles) private {
        register.registerOrganization(uscc, roles, 0, 0);
        register.delegate(uscc, address(this), 0, 0);
    }

    function _anchor(IAnchorLedger ledger, LedgerId id, uint16 count, uint64 credit, uint64 debit, bytes32 root)
        private
    {
        Ghost storage ghost = _ghosts[id];
        IAnchorLedger.Anchor[] memory anchors = new IAnchorLedger.Anchor[](1);
        anchors[0] = IAnchorLedger.Anchor(id, uint64(ghost.entries), 1 + (count % 4096), root, credit, debit);
        ledger.anchor(anchors);
        ghost.entries += 1 + (count % 4096);
        ghost.credit += credit;
        ghost.debit += debit;
        ghost.heads.push(ledger.headOf(id, uint64(ghost.heads.length)));
    }

    function _net() private view returns (uint256) {
        Ghost storage ghost = _ghosts[payments];
        return ghost.debit > ghost.credit ? ghost.debit - ghost.credit : 0;
    }
}

/// @title Invariants of the ledgers
/// @notice What holds after any sequence of the handler's acts.
contract LedgersInvariant {
    Handler private _handler;

    function setUp() public {
        vm.warp(1_790_000_000);
        _handler = new Handler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_CharityNeverSpentMoreThanItReceived() public view {
        (,, uint64 credit, uint64 debit) = _handler.charity().stateOf(_handler.campaign());
        assert(debit <= credit);
    }

    function invariant_SubsidyNeverPassedItsBudget() public view {
        assert(_handler.overBudget() == 0);
    }

    function invariant_StrangersNeverAnchored() public view {
        assert(_handler.strangersLetIn() == 0);
    }

    function invariant_SequencesAreDenseAndSumsEqual() public view {
        _agrees(_handler.charity(), _handler.campaign());
        _agrees(_handler.charity(), _handler.decisions());
        _agrees(_handler.subsidy(), _handler.payments());
    }

    function _agrees(IAnchorLedger ledger, LedgerId id) private view {
        Handler.Ghost memory ghost = _handler.ghostOf(id);
        (uint64 nextSeq, uint64 nextBatch, uint64 credit, uint64 debit) = ledger.stateOf(id);
        assert(nextSeq == ghost.entries && nextBatch == ghost.heads.length);
        assert(credit == ghost.credit && debit == ghost.debit);
        for (uint64 k = 0; k < nextBatch; ++k) {
            assert(ledger.headOf(id, k) == ghost.heads[k]);
        }
        assert(ledger.headOf(id, nextBatch) == 0);
    }
}
