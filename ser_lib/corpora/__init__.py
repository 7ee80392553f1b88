"""Station 1: read a corpus folder into one manifest; one module a corpus."""
