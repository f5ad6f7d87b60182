"""How fast it is, each figure beside that of a raw pipe in the same run (docs/performance.md)."""
