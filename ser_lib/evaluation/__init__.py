"""Station 7: metrics, intervals, breakdowns, figures and the report."""
