"""Ask a chat-completions endpoint: its address, the exchange, and how replies are read."""
