"""Every benchmark: one JSON line a figure, each with a baseline from the same run, on a named machine."""
