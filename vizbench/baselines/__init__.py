"""Define the model families, one file each: trivial baselines, embedded models, adapters to real models."""

import logging

# Imported by peft, bitsandbytes logs that a faster kernel exists, and in every layer and pass that it casts.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
