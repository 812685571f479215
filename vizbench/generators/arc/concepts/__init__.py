"""One file a concept of ConceptARC (Moskvichev et al. 2023), each with eight rules or more of different
mechanism."""
