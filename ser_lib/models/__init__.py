"""One file a system, from features to logits."""
