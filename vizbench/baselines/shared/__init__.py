"""What language and video models have in common. `places` and `room` load no torch."""
