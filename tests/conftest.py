"""What every test starts from: one thread a process, generated inputs that are the same on every run."""

from __future__ import annotations

import os

# Before torch or Numba load: two pytest workers with a thread pool each are slower than two with one thread each.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# No test may reach for a hub: what is not embedded is not tested here.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from hypothesis import HealthCheck, settings

# Derandomized: the same commit gives the same result. HYPOTHESIS_PROFILE=explore looks for new failures.
# No deadline and no slowness check: the first example of a kernel pays for its compilation.
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", parent=settings.get_profile("same"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
