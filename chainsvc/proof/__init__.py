"""Proofs about the state of an EVM chain: keccak, RLP, block headers, accounts and storage slots.

Everything here takes bytes from a file that somebody else wrote. Whatever is wrong with them is
:class:`chainsvc.errors.MalformedInput`, and work and memory are bounded by the limits named in each module.
"""
