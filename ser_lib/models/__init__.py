"""Station 5: one file a system, from features to logits."""
