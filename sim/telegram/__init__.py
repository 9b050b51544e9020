"""A simulated Telegram: the Bot API over HTTP for the bot, and a chat page in the browser for people."""
