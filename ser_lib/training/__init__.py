"""The Accelerate loop with its checkpoints and logs."""
