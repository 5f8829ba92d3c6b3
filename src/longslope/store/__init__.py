"""The store: what lasts. Tables, their migrations, and all SQL, on SQLite and on Postgres alike."""
