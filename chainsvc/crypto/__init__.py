"""Hash suites, signing keys and the encryption of stored records."""
