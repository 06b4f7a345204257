"""Claims about training, tried network by network: how often each holds, and which analyses
disagree.

`settings` defines claims, `networks` tries claims about phases of training, `orders` tries
claims about which signal identifies the better of two networks, and `verdicts` counts. An
analysis is one network with one estimator, or one family with one signal. It *decides* a claim
if its interval lies on one side of the threshold; otherwise it leaves the claim *open*. No
module here needs torch.
"""
