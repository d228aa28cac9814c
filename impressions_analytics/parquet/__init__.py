"""How a typed frame becomes bytes of Parquet, and is read back and checked."""
