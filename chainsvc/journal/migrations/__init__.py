"""The journal's schema, step by step; ``chainsvc.journal.schema`` runs them."""
