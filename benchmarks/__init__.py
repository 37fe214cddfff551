"""Benchmarks: speed as ratios measured in one run, because machines are shared and noisy."""
