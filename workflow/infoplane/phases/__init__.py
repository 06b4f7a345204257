"""Phases of training as statistics over networks, from arrays of numbers.

`intervals` computes means with intervals, `turns` finds where a mean curve is highest, `curves`
measures what happens before and after that (`phases_of`), and `layers` does the same for a
table of information (`of_layers`). Nothing here reads a store, draws, or imports torch.

A network's own largest value minus its last one is never negative. Its interval excludes zero
for all curves: it finds a fall even in noise and in curves that only rise. Here each network is
judged at an epoch that *other* networks chose.
"""
