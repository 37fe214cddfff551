"""Events to start from: named data sets, files with a column mapping, a synthetic stream."""
