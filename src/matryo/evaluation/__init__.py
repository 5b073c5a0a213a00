"""Curves, comparisons and the stored results of a run."""
