"""Model families: trivial baselines, the embedded pair, and adapters to real backbones. One file a kind."""
