"""Hold the rules by concept: one file for each concept of ConceptARC (Moskvichev et al. 2023).

Each file has eight rules or more, of different mechanism.
"""
