"""What people do with a trained model: classify, score, compare, export, show."""
