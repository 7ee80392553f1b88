"""The Transformers face of a trained model, and the Hub."""
