"""Metrics, intervals, breakdowns, figures and the report."""
