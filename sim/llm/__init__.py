"""A simulated OpenAI-compatible endpoint: models, chat completions with structured output, embeddings."""
