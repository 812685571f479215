"""Compute what reports show: shares, intervals, comparisons, ARC results, the paper's own figures."""
