"""Language models of any size under LoRA: one recipe, one loop, one decoder. `recipe` and `build` load no torch."""
