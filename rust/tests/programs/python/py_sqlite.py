"""A database that is there is changed in a transaction, and one in WAL mode is made."""

import sqlite3

with sqlite3.connect("old.db") as connection:
    connection.execute("insert into t values (2)")
connection.close()
connection = sqlite3.connect("wal.db", isolation_level=None)
assert connection.execute("pragma journal_mode=wal").fetchone() == ("wal",)
connection.execute("create table t (x)")
connection.close()
