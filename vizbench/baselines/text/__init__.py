"""The embedded language model: tokens, network, training, decoding. All but `tokens` load torch: import them late."""
