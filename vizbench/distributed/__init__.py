"""Processes that train one model together, on one machine or several."""
