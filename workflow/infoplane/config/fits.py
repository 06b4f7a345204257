"""Whether a run's network fits its data, and its measurement fits the network."""

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infoplane.config.estimators import method_of
from infoplane.config.models import Run
from infoplane.config.pools import estimators_of
from infoplane.config.problems import Problem, not_defined, shown
from infoplane.datasets.source import ASSUMED, Shape
from infoplane.estimators import by_layer
from infoplane.measurement.activations import reader_of
from infoplane.measurement.readings import Reader
from infoplane.networks.network import OUTPUT, Misfit, Network
from infoplane.training import TRAINERS
from infoplane.training.trainer import NETWORK


def misfits(run: Run, shape: Shape | None, estimators: Mapping[str, Any]) -> Iterator[Problem]:
    """Mistakes of the network, the layers and the draws of a run.

    shape : of its data set; None if unknown, and then the job reports a network that does not
        fit
    estimators : the experiment's, as written
    """
    of_input = (shape or ASSUMED).of_input
    given = f"data set '{run.dataset}' gives inputs of {_shown(of_input)}"
    trainer, name = TRAINERS[run.training.trainer], run.measure.network
    try:
        networks = trainer.networks_of(run.training, run.network, shape or ASSUMED)
    except Misfit as misfit:
        if not misfit.of_shape:
            yield Problem((*misfit.at, *misfit.path), misfit.text)
        elif shape:
            yield Problem((*misfit.at, *misfit.path), f"{misfit.text}; {given}")
        return
    if name is not None and name not in networks:
        text = not_defined(name, "network", networks, " of the run's trainer")
        yield Problem(("measure", "network"), text)
        return
    if lacking := [one for one in run.measure.needs if one not in networks]:
        text = (
            f"must be a probe for trainer '{run.training.trainer}', not '{run.measure.probe}', "
            f"which needs a network '{lacking[0]}', as trainer gan has it"
        )
        yield Problem(("measure", "probe"), text)
        return
    network = networks[name or NETWORK]
    if (given_to := run.measure.input_shape(network, shape or ASSUMED)) != network.input_shape:
        yield Problem(
            ("measure", "probe"),
            f"must give inputs of {_shown(network.input_shape)}, which network '{name}' takes; "
            f"'{run.measure.probe}' gives {_shown(given_to)}",
        )
        return
    link = run.measure.wanted_link
    if link and link not in network.links:
        text = f"needs a network of family {link}, not '{network.settings.family}'"
        yield Problem(("measure", "label"), f"{shown(run.measure.label)} {text}")
    if run.measure.passes == "training":
        if not network.differs_in_training:
            yield Problem(
                ("measure", "passes"),
                "must be evaluation, not 'training': no part of the network differs in "
                "training mode, as dropout and batch norm do",
            )
            return
        try:
            network = network.as_in_training(run.measure.batch_size)
        except Misfit as misfit:
            yield Problem((*misfit.at, *misfit.path), misfit.text)
            return
    yield from _of_draws(run, network)
    try:
        reader = reader_of(network, run.measure)
    except ValueError as error:
        yield Problem(("measure", "layers"), str(error))
    else:
        yield from _by_layer(run, reader.names, estimators)
        if shape:
            yield from _of_shapes(run, network, reader, estimators)
        yield from _of_noise(run, network, reader, estimators)
    yield from _of_pools(run, network, estimators)
    yield from _of_reconstruction(run, network, estimators)


def _shown(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _of_draws(run: Run, network: Network) -> Iterator[Problem]:
    """Draws of a network without randomness; a shared store of a network with draws."""
    if not network.draws and run.measure.draws > 1:
        yield Problem(
            ("measure", "draws"),
            f"must be 1, not {run.measure.draws}: without network.noise, or dropout or batch "
            "norm and measure.passes: training, all draws of an input are the same",
        )
    if network.draws and run.measure.share_activations == "always":
        yield Problem(
            ("measure", "share_activations"),
            "must be auto or never for a network with noise or with measure.passes: training: "
            "estimators of noisy layers need more than the activations",
        )


def _by_layer(
    run: Run, layers: Iterable[str], estimators: Mapping[str, Any]
) -> Iterator[Problem]:
    """Settings by layer that leave out a measured layer or name an unknown one."""
    for name in run.estimators:
        method, written = method_of(estimators.get(name)), estimators.get(name)
        for key in method.by_layer if method is not None else ():
            for text in by_layer.misfits(written.get(key), layers):
                yield Problem(("estimators",), f"cannot have '{name}': {key} {text}")


def _of_shapes(
    run: Run, network: Network, reader: Reader, estimators: Mapping[str, Any]
) -> Iterator[Problem]:
    """Estimators whose settings do not fit maps of these shapes, or need maps."""
    shapes = {"X": reader.shape_of_input(network.input_shape), **reader.shapes}
    for name in run.estimators:
        if (method := method_of(estimators.get(name))) is None:
            continue
        with contextlib.suppress(ValueError):  # another check reports invalid settings
            estimator = method(method.Settings.model_validate(estimators[name]))
            key, text = estimator.why_not(shapes)
            if text:
                yield Problem(("estimators",), f"cannot have '{name}', whose {key} {text}")


def _of_noise(
    run: Run, network: Network, reader: Reader, estimators: Mapping[str, Any]
) -> Iterator[Problem]:
    """Estimators of noisy layers in runs whose layers have no separable noise."""
    if network.noise is None:
        why = "there is no network.noise"
    elif run.measure.passes == "training":
        why = "measure.passes is training: the draws contain more than noise"
    elif run.measure.reading == "max" and any(len(la.shape) > 1 for la in network.layers):
        why = "measure.reading is max: the largest of noisy numbers has no noise of its own"
    elif not {reader.of[name] for name in reader.names} & set(network.noisy):
        why = f"no measured layer has noise, only {', '.join(network.noisy)}"
    else:
        return
    reasons: dict[str, list[str]] = {}
    for name in run.estimators:
        method = method_of(estimators.get(name))
        if method is not None and method.needs_noise:
            reasons.setdefault(method.needs_noise, []).append(name)
    for reason, names in reasons.items():
        listed = ", ".join(f"'{name}'" for name in names)
        yield Problem(("estimators",), f"cannot have {listed} where {why}: {reason}")


def _of_pools(run: Run, network: Network, estimators: Mapping[str, Any]) -> Iterator[Problem]:
    """Pools of draws of a network without randomness, or of noise with several sizes."""
    for name, pool in run.pools.items():
        if pool.over == "noise" and not network.draws:
            yield Problem(
                ("pools", name, "over"),
                "must be epochs, seeds or both, not 'noise': nothing in a pass is random "
                "without network.noise, or dropout or batch norm and measure.passes: training",
            )
        sizes = {
            "relative": "every pooled network its own",
            "multiplicative": "every number its own",
        }
        kind = next((k for k in sizes if network.noise and getattr(network.noise, k)), None)
        for by in estimators_of(run, name) if kind else ():
            method = method_of(estimators.get(by))
            if method is not None and method.needs_noise:
                yield Problem(
                    ("pools", name, "estimators"),
                    f"cannot have '{by}': it needs one σ, and {kind} noise gives "
                    f"{sizes[kind]}; set network.noise.{kind} to false",
                )


def _of_reconstruction(
    run: Run, network: Network, estimators: Mapping[str, Any]
) -> Iterator[Problem]:
    """A reconstruction as Y if the network gives none or an estimator accepts none."""
    if run.measure.y != "reconstruction":
        return
    outputs = network.widths.get(OUTPUT)
    if outputs != math.prod(network.input_shape) or not {"sigmoid", "linear"} & {
        *network.links
    }:
        yield Problem(
            ("measure", "y"),
            f"must be label, not 'reconstruction': network.family {run.network.family} does "
            "not reconstruct its inputs",
        )
    reasons: dict[str, list[str]] = {}
    for name in run.estimators:
        if (method := method_of(estimators.get(name))) is None:
            continue
        with contextlib.suppress(ValueError):  # another check reports invalid settings
            estimator = method(method.Settings.model_validate(estimators[name]))
            if estimator.needs_labels:
                reasons.setdefault(estimator.needs_labels, []).append(name)
    for reason, names in reasons.items():
        listed = ", ".join(f"'{name}'" for name in names)
        yield Problem(
            ("estimators",),
            f"cannot have {listed} where measure.y is reconstruction, which is "
            f"continuous: each {reason}",
        )
