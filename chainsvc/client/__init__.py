"""The SDK: notarize, follow and verify records from a business system."""
