"""Notarize civil-affairs records on a permissioned chain, and verify them without trusting the operator."""
