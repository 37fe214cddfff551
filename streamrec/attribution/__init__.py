"""The process that attributes events to lists that were shown, and keeps the results of experiments."""
