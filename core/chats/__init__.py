"""Chats: members, their roles, language and watchlists."""
