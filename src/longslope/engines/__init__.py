"""Things that compute: processes of our own, servers of others, behind one protocol."""
