"""Files written whole, tables, output folders, fetching from the hub, progress."""
