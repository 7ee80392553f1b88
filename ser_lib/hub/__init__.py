"""Station 8: the Transformers face of a trained model, and the Hub."""
