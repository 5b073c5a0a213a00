"""Training: settings, the table of methods, the adapter to the sentence-transformers trainer, mining."""
