"""An archive of the events' log: Parquet files by day, each of a range of offsets."""
