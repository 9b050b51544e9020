"""Telegram: parse, ask core, render, reply."""
