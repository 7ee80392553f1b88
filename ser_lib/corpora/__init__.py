"""Read a corpus folder into one manifest; one module a corpus."""
