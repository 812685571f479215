"""Figures from records: shares, intervals, comparisons, the measures of ARC and of the paper."""
