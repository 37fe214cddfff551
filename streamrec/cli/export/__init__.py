"""`export`: users, items, events and lists for other tools, in Parquet."""
