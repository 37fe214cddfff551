"""Rules about events: their values, times, weights, repeats, and the stream's clock."""
