"""The embedded video model: network, adaptation and pretraining."""
