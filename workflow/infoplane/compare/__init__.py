"""Which of two networks generalises better? Networks of a grid, scored pair by pair.

`strata` chooses the epochs at which networks are compared, `table` puts their signals and
targets side by side, `collapse` finds networks that learnt nothing, `pairs` and `scores` say
how often a signal is right, with intervals by bootstrap of networks. Nothing needs torch.
"""
