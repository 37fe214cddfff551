"""Tables with a row per id: id maps, growing arrays, sets with a bound, compiled loops."""
