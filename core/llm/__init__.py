"""Language models and embeddings: one gateway that budgets, records, retries and falls back."""
