"""Storage: SQLite files that one thread writes, tables whose rows keep no order, and folders of private keys."""
