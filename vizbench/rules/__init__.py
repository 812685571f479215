"""Rules over scenes: small programs that turn one grid of coloured objects into another, and read themselves back.

scene: the objects of a grid; draw: making scenes; facts: what demonstrations show; rule: the abstract rule; library:
every rule of `concepts`; certify: episodes whose demonstrations leave one answer.
"""
