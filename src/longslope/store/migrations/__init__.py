"""The database's shape, step by step: one file a revision under `versions`, run by `longslope.store.migrate`.

To add one: change `tables.py`, copy the newest file under the next number, write the steps (SQLite alters a
table with `op.batch_alter_table`), and append the number to `migrate.REVISIONS`. A test compares the outcome
with `tables.metadata` on both databases.
"""
