"""Pure rules and values: no input or output; time and chance are arguments."""
