"""Readers and makers of texts, pairs and retrieval tasks; whatever a reader leaves out stands in its notes."""
