"""Statistics of experiments: pure functions over numbers and sums, with the source of each formula.

A probability is `alpha` where it is that of a false alarm. An answer of None says that nothing can be said:
too few users, or outcomes that do not differ at all. Numbers that are no numbers are `InvalidInput`.
"""
