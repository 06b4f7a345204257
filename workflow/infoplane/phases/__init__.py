"""Phases of training as statistics over networks, from arrays of numbers.

`intervals` has means with intervals, `turns` where a mean curve is highest, `curves` what
happens before and after that (`phases_of`), `layers` the same of a table of information
(`of_layers`). Nothing here reads a store, draws, or imports torch.

A network's own largest value minus its last one is never negative, so its interval excludes
zero for all curves: it finds a fall in noise and in curves that only rise. Here each network is
judged at the epoch that *other* networks chose.
"""
