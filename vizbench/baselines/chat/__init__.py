"""Talking to a chat-completions endpoint: where it is, how it is asked, what it replies."""
