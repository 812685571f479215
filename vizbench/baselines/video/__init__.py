"""The embedded video model: network, training, pretraining, adaptation. Imports torch and diffusers."""
