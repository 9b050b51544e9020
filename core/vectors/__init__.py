"""Vectors of texts in Milvus, searched by meaning as of a moment. PostgreSQL is the truth; this can be rebuilt."""

from core.vectors.store import Hit, VectorRow, VectorStore

__all__ = ["Hit", "VectorRow", "VectorStore"]
