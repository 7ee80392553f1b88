"""What things cost, measured side by side; never part of the tests."""
