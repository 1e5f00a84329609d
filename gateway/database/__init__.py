"""SQLite made safe: pragmas, one writer with group commit, readers that cannot write, exact columns, migrations."""
