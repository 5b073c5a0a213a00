"""matryo: embeddings that can be cut."""
