"""Fitting by scikit-learn and xgboost, and turning what was fitted into tensors."""
