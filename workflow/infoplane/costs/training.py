"""Memory and time of a training."""

from infoplane.costs.cost import GFLOPS, IMPORT_SECONDS, TRAINING_MB, Cost, speed_of
from infoplane.datasets.source import Shape
from infoplane.networks.network import Network
from infoplane.stores.weights import SHARD_BYTES
from infoplane.training.supervised import CALIBRATION_INPUTS, EVALUATION_BYTES

STEP_SECONDS, STEP_SECONDS_A_LAYER = 5e-4, 2.5e-4
"""Of a step, whatever its size: measured on small networks."""
EPOCH_SECONDS = 0.01
"""Of an epoch: evaluation, metrics and the journal, whatever their size."""
VALUE_SECONDS = 8e-9
"""Of one activation, forward and back."""
PARAMETER_SECONDS = 1.5e-8
"""Of one weight in a step: its gradient, the statistics of that, the optimizer."""
KEPT_SECONDS = 4e-8
"""Of one kept weight: compressed and written, and in checkpoints before."""
COPIES = 16
"""Matrices of all weights that are alive at once: the weights, their gradient in parts and as
one, its sum and its squares, two of the optimizer, the latest, temporaries of the metrics."""


def of_training(
    network: Network, settings, data: Shape, n_seeds: int, threads: int = 1
) -> Cost:
    """Peak memory and seconds of training n_seeds networks as one batch.

    settings : of the training; a trainer without batches is taken for one of 256 inputs
    """
    n_train, n_layers, slower = data.n_train, len(network.layers), network.slowdown
    batch, last = min(getattr(settings, "batch_size", 256), n_train), len(settings.numbers) - 1
    widths, noisy = sum(network.widths.values()), network.n_drawn
    widest = max(*network.widths.values(), data.d)
    parameters = n_seeds * network.n_parameters
    kept = settings.keep.most(last + 1)

    shard = min(4 * parameters * kept, max(4 * parameters, SHARD_BYTES))
    evaluated = 4 * min(EVALUATION_BYTES, 4 * n_seeds * data.n * widest)
    calibrated = 24 * n_seeds * min(CALIBRATION_INPUTS, n_train) * widest
    n_bytes = (
        data.n * (8.8 * data.d + 24)  # inputs
        + n_seeds * n_train * (16 + 12 * noisy)  # the order of an epoch, its noise
        + 8 * n_seeds * batch * (data.d + 3 * slower * widths)
        + 4 * COPIES * parameters
        + 4 * shard
        + max(evaluated, calibrated if network.buffers else 0)
        + 2.5 * last * (2500 + 4 * n_seeds * (4 + 3 * n_layers))  # metrics
    )

    prefit = getattr(settings, "prefit", None)
    n_epochs, n_steps = last + (prefit.epochs if prefit else 0), -(-n_train // batch)
    products = n_seeds * network.n_products * (6 * n_train + 2 * data.n)
    values = n_seeds * n_train * (widths + noisy) * VALUE_SECONDS
    computed = (
        products / (GFLOPS * 1e9) + (values + n_steps * PARAMETER_SECONDS * parameters) * slower
    )
    overhead = n_steps * slower * (STEP_SECONDS + STEP_SECONDS_A_LAYER * n_layers)
    epoch = EPOCH_SECONDS + overhead + computed / speed_of(threads)
    seconds = IMPORT_SECONDS + n_epochs * epoch + KEPT_SECONDS * kept * parameters
    return Cost(TRAINING_MB + n_bytes / 1e6, seconds)
