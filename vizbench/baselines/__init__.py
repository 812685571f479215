"""Model families: trivial baselines, the embedded pair, and adapters to real backbones. One file a kind."""

import logging

# At its import, which is peft's, it tells of a faster kernel to be had, and in every layer and pass that it
# casts.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
