"""Tables of lists made beforehand: a row for each published batch, and one for each list."""

TABLES = (
    "CREATE TABLE IF NOT EXISTS batches (name TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS batch_lists (name TEXT NOT NULL, version INTEGER NOT NULL,"
    " user_id TEXT NOT NULL, items TEXT NOT NULL, PRIMARY KEY (name, version, user_id)) WITHOUT ROWID",
    # An erasure looks through all names and versions.
    "CREATE INDEX IF NOT EXISTS batch_lists_users ON batch_lists (user_id)",
)

BATCHES = "SELECT name, CAST(document AS BLOB) FROM batches"
LIST = "SELECT CAST(items AS BLOB) FROM batch_lists WHERE name = ? AND version = ? AND user_id = ?"
PUT_LIST = "INSERT OR REPLACE INTO batch_lists (name, version, user_id, items) VALUES (?, ?, ?, ?)"
PUBLISH = "INSERT OR REPLACE INTO batches (name, document) VALUES (?, ?)"
WITHDRAW = "DELETE FROM batches WHERE name = ?"
DROP_LIST = "DELETE FROM batch_lists WHERE name = ? AND version = ? AND user_id = ?"
ERASE = "DELETE FROM batch_lists WHERE user_id = ?"
DROP_SOME = (
    "DELETE FROM batch_lists WHERE (name, version, user_id) IN (SELECT name, version, user_id FROM"
    " batch_lists WHERE name = ? AND version != ? LIMIT ?)"
)
"""Of a name's other versions, so many."""
