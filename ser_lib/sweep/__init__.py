"""Many runs from one plan, and the evidence of them: claims, results, tables and the figure."""
