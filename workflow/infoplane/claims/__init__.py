"""Claims about training, tried network by network: how often each holds, and who disagrees.

`settings` says what a claim is, `networks` tries those about phases of training, `orders` those
about which signal tells the better of two networks, `verdicts` counts and says it. An analysis
is one network by one estimator, or one family by one signal. It *decides* a claim where its
interval lies on one side of the threshold, and leaves it *open* where not. Nothing needs torch.
"""
