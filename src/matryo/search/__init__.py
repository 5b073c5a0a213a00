"""Indexes: exact search at every dim in one pass, and BM25."""
