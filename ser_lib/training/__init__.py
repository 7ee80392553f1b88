"""Station 6: the Accelerate loop with its checkpoints and logs."""
