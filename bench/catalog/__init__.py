"""How long questions to a long catalog take, on PostgreSQL; run `python -m bench.catalog`."""
