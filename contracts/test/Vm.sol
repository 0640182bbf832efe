// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The few cheat codes of forge that these tests use.
interface Vm {
    /// @notice Makes the next call come from an account.
    /// @param sender The account.
    function prank(address sender) external;

    /// @notice Sets the block's time.
    /// @param time The time.
    function warp(uint256 time) external;

    /// @notice Sets the block's number.
    /// @param number The number.
    function roll(uint256 number) external;

    /// @notice Expects the next call to revert with these bytes.
    /// @param reason The revert data.
    function expectRevert(bytes calldata reason) external;
}

/// @dev Where forge answers cheat codes: the last 20 bytes of keccak256("hevm cheat code").
Vm constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
