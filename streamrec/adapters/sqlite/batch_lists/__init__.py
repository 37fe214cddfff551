"""Lists made beforehand, in the SQLite document store."""
