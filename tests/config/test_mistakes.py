"""Wrong files: every message says which file, which key, what is there and what may be."""

import datetime

import pytest

from infoplane.config import ConfigError, load
from infoplane.config.models import WrittenRun
from infoplane.datasets import SOURCES
from infoplane.networks import FAMILIES
from infoplane.training import TRAINERS

FILE = "config/wrong.yaml"
OWN = "the import path of a class of yours, module:Class"
NAME = "a name of letters, digits and _ - . = , without a dot or dash at its start"
KINDS = ", ".join(FAMILIES)
RUN_KEYS = ", ".join(WrittenRun.model_fields)
NETWORK_KEYS = (
    "family, hidden, activation, initialisation, batch_norm, dropout, noise, quantisation"
)
ADAM_KEYS = "schedule, warm_up, method, learning_rate, betas, epsilon, weight_decay"
TRAINING = ", ".join(
    dict.fromkeys(
        f"training.{key}" for kind in TRAINERS.values() for key in kind.Settings.model_fields
    )
)
SEEDS = (
    "an integer ≥ 1 and ≤ 10000 or a list of at least one, each an integer ≥ 0 and ≤ 4294967295"
)
FUNCTIONS = "tanh, relu, leaky_relu, sigmoid, softsign, softplus, linear"
CONV = [{"stage": "conv", "channels": 2, "kernel": 9}, {"stage": "flatten"}]
LENET = {"family": "cnn", "preset": "lenet5"}
AUTOENCODER = {"family": "autoencoder", "encoder": [6], "bottleneck": 2}


def mistakes(config):
    with pytest.raises(ConfigError) as caught:
        load(config, FILE)
    return str(caught.value).splitlines()


def one_run(**keys):
    return {"runs": {"r": keys}, "figures": "REMOVE"}


def listed(*epochs):
    return {"schedule": "list", "epochs": list(epochs)}


WRONG = {
    "number_too_small": (
        {"runs.tanh.training": {"optimizer": {"learning_rate": -1}}},
        "runs.tanh.training.optimizer.learning_rate: must be a number > 0, not -1",
    ),
    "number_in_defaults": (
        {"defaults.training.optimizer.learning_rate": 0},
        "defaults.training.optimizer.learning_rate: must be a number > 0, not 0",
    ),
    "number_in_list": (
        {"runs.tanh.network": {"hidden": [10, 0, 5]}},
        "runs.tanh.network.hidden[1]: must be an integer ≥ 1, not 0",
    ),
    "number_of_a_pair": (
        {"defaults.training.optimizer.betas": [0.9, 1]},
        "defaults.training.optimizer.betas[1]: must be a number ≥ 0 and < 1, not 1",
    ),
    "a_word_for_cuda": (
        {"defaults.training.device": "gpu"},
        "defaults.training.device: must be one of auto, cpu, cuda, not 'gpu'. Did you mean "
        "'cuda'?",
    ),
    "half_a_pair": (
        {"defaults.training.optimizer.betas": [0.9]},
        "defaults.training.optimizer.betas[1]: is missing; give a number ≥ 0 and < 1",
    ),
    "empty_list": (
        {"runs.tanh.network": {"hidden": []}},
        "runs.tanh.network.hidden: must be a list of at least one, each an integer ≥ 1, not []",
    ),
    "fraction_too_large": (
        {"datasets.szt.training_fraction": 1.2},
        "datasets.szt.training_fraction: must be a number > 0 and ≤ 1 or null, not 1.2",
    ),
    "estimator_value": (
        {"estimators.kde.noise_variance": -0.1},
        "estimators.kde.noise_variance: must be a number > 0 or a mapping with at least one "
        "entry, not -0.1",
    ),
    "true_is_not_1": (
        {"runs.tanh.threads": True},
        "runs.tanh.threads: must be an integer ≥ 1, not true",
    ),
    "true_is_not_1.0": (
        {"defaults.training.optimizer.learning_rate": True},
        "defaults.training.optimizer.learning_rate: must be a number > 0, not true",
    ),
    "true_is_no_count": (
        {"runs.tanh.seeds": True},
        f"runs.tanh.seeds: must be {SEEDS}, not true",
    ),
    "1_is_not_true": (
        {"defaults.measure.share_activations": 1},
        "defaults.measure.share_activations: must be one of auto, always, never, not 1",
    ),
    "fraction_for_integer": (
        {"runs.tanh.training": {"batch_size": 1.5}},
        "runs.tanh.training.batch_size: must be an integer ≥ 1, not 1.5",
    ),
    "quoted_number": (
        {"runs.tanh.training": {"batch_size": "256"}},
        "runs.tanh.training.batch_size: must be an integer ≥ 1, not '256'. It is text: take "
        "off "
        "the quotes.",
    ),
    "text_for_number": (
        {"defaults.training.epochs": "many"},
        "defaults.training.epochs: must be an integer ≥ 1, not 'many'",
    ),
    "null_for_number": (
        {"runs.tanh.threads": None},
        "runs.tanh.threads: must be an integer ≥ 1, not null",
    ),
    "not_finite": (
        {"estimators.kde.noise_variance": float("inf")},
        "estimators.kde.noise_variance: must be finite, not inf",
    ),
    "unknown_choice": (
        {"runs.tanh.network": {"activation": "rleu"}},
        f"runs.tanh.network.activation: must be one of {FUNCTIONS} or a list, each one of "
        f"{FUNCTIONS}, not 'rleu'. Did you mean 'relu'?",
    ),
    "unknown_choice_in_list": (
        {"runs.tanh.network": {"activation": ["tanh", "rleu", "tanh"]}},
        f"runs.tanh.network.activation[1]: must be one of {FUNCTIONS}, not 'rleu'. Did you "
        "mean "
        "'relu'?",
    ),
    "unknown_optimizer": (
        {"defaults.training.optimizer.method": "adamm"},
        "defaults.training.optimizer.method: must be one of sgd, momentum, adam, adamw, "
        "rmsprop, "
        "not 'adamm'. Did you mean 'adam'?",
    ),
    "list_for_a_kind": (
        {"defaults.training.optimizer.method": ["adam"]},
        "defaults.training.optimizer.method: must be one of sgd, momentum, adam, adamw, "
        "rmsprop, "
        'not ["adam"]',
    ),
    "unknown_schedule": (
        {"runs.tanh.training": {"keep": {"schedule": "evry", "n": 3}}},
        "runs.tanh.training.keep.schedule: must be one of all, every, logarithmic, list, not "
        "'evry'. Did you mean 'every'?",
    ),
    "no_schedule": (
        {"runs.tanh.training": {"keep": {"n": 3}}},
        "runs.tanh.training.keep.schedule: is missing; give one of all, every, logarithmic, "
        "list",
    ),
    "schedule_of_what_is_kept_by_what_is_measured": (
        {"runs.tanh.training": {"keep": {"schedule": "delta_exact"}}},
        "runs.tanh.training.keep.schedule: must be one of all, every, logarithmic, list, not "
        "'delta_exact'",
    ),
    "delta_of_nothing": (
        {"runs.tanh.measure": {"epochs": {"schedule": "delta_exact", "delta": 0}}},
        "runs.tanh.measure.epochs.delta: must be a number > 0, not 0",
    ),
    "skip_that_does_not_grow": (
        {"runs.tanh.measure": {"epochs": {"schedule": "delta_approximate", "skip": 1}}},
        "runs.tanh.measure.epochs.skip: must be a number > 1 and ≤ 1000, not 1",
    ),
    "survey_of_epochs_that_are_not_kept": (
        {
            "runs.tanh.training": {"epochs": 20, "keep": {"schedule": "every", "n": 5}},
            "runs.tanh.measure": {
                "epochs": {"schedule": "delta_exact", "survey": listed(5, 6)}
            },
        },
        "runs.tanh.measure.epochs.survey.epochs: must be epochs whose weights training.keep "
        "keeps, not [6]",
    ),
    "adaptive_schedule_of_an_estimator_that_remembers": (
        {
            "estimators.mine": {"estimator": "mine", "warm_start": True},
            "runs.tanh.estimators": ["mine"],
            "runs.tanh.measure": {"epochs": {"schedule": "delta_exact"}},
        },
        "runs.tanh.measure.epochs.schedule: must be all, every, logarithmic or list, not "
        "'delta_exact', which measures epochs in no order: estimator 'mine' continues from the "
        "epoch before",
    ),
    "adaptive_schedule_without_information": (
        {
            "estimators.clusters": {"estimator": "clustering"},
            "runs.tanh.estimators": ["clusters"],
            "runs.tanh.measure": {"epochs": {"schedule": "delta_approximate"}},
        },
        "runs.tanh.measure.epochs.schedule: must be all, every, logarithmic or list, not "
        "'delta_approximate', which measures epochs in no order: estimator 'clusters' gives no "
        "information that could distinguish epochs",
    ),
    "adaptive_schedule_with_shared_activations": (
        {
            "runs.tanh.measure": {
                "epochs": {"schedule": "delta_exact"},
                "share_activations": "always",
            }
        },
        "runs.tanh.measure.share_activations: must be auto or never with the schedule "
        "delta_exact: estimators ask for epochs of their own",
    ),
    "unknown_source": (
        {"datasets.szt.source": "sztt"},
        f"datasets.szt.source: must be one of {', '.join(SOURCES)}, the import path of a "
        "class of yours, module:Class, not 'sztt'. Did you mean 'szt'?",
    ),
    "no_source": (
        {"datasets.other": {}},
        f"datasets.other.source: is missing; give one of {', '.join(SOURCES)}, the import path "
        "of a class of yours, module:Class",
    ),
    "unknown_family": (
        {"runs.tanh.network": {"family": "mpl"}},
        f"runs.tanh.network.family: must be one of {KINDS}, {OWN}, not 'mpl'. Did you "
        "mean 'mlp'?",
    ),
    "list_for_a_family": (
        {"runs.tanh.network": {"family": ["mlp"]}},
        f'runs.tanh.network.family: must be one of {KINDS}, {OWN}, not ["mlp"]',
    ),
    "unknown_key_of_file": (
        {"dataset": {}},
        "dataset: is not a key here. Did you mean 'datasets'? Known: experiment, datasets, "
        "estimators, defaults, runs, compare, claims, figures, audit, truth.",
    ),
    "unknown_key_of_run": (
        {"runs.tanh.seed": 3},
        f"runs.tanh.seed: is not a key here. Did you mean 'seeds'? Known: {RUN_KEYS}.",
    ),
    "misspelt_sweep": (
        {"runs.tanh.swep": {}},
        f"runs.tanh.swep: is not a key here. Did you mean 'sweep'? Known: {RUN_KEYS}.",
    ),
    "key_that_belongs_deeper": (
        {"runs.tanh.initialisation": "fan_in"},
        "runs.tanh.initialisation: is not a key here. Did you mean 'network.initialisation'? "
        f"Known: {RUN_KEYS}.",
    ),
    "capital_key_that_belongs_deeper": (
        {"runs.tanh.Initialisation": "fan_in"},
        "runs.tanh.Initialisation: is not a key here. Did you mean 'network.initialisation'? "
        f"Known: {RUN_KEYS}.",
    ),
    "unknown_key_in_union": (
        {"defaults.training.optimizer.learning_rat": 0.1},
        "defaults.training.optimizer.learning_rat: is not a key here. Did you mean "
        f"'learning_rate'? Known: {ADAM_KEYS}.",
    ),
    "key_of_another_kind": (
        {"defaults.training.optimizer.nesterov": True},
        f"defaults.training.optimizer.nesterov: is not a key here. Known: {ADAM_KEYS}.",
    ),
    "key_named_like_its_kind": (
        {"defaults.training.optimizer.adam": 3, "defaults.training.optimizer.betas": [0, 0]},
        f"defaults.training.optimizer.adam: is not a key here. Known: {ADAM_KEYS}.",
    ),
    "unknown_key_in_network": (
        {"runs.tanh.network": {"hiden": [3]}},
        "runs.tanh.network.hiden: is not a key here. Did you mean 'hidden'? "
        f"Known: {NETWORK_KEYS}.",
    ),
    "unknown_figure": (
        {"figures.comparison": {}},
        "figures.comparison: is not a key here. Did you mean 'comparisons'? Known: per_run, "
        "comparisons, factors, own.",
    ),
    "missing_in_run": (
        one_run(training={"keep": {"schedule": "every"}}),
        "runs.r.training.keep.n: is missing; give an integer ≥ 1",
    ),
    "missing_everywhere": (
        {"defaults.network": "REMOVE", **one_run()},
        f"runs.r.network: is missing; give a mapping whose family is one of {KINDS}, {OWN}",
    ),
    "missing_in_defaults": (
        {"defaults.training.epochs": "REMOVE", **one_run()},
        "defaults.training.epochs: is missing; give an integer ≥ 1",
    ),
    "no_dataset": (
        {"defaults.dataset": "REMOVE", **one_run()},
        "runs.r.dataset: is missing; give one of the experiment's data sets: szt, everything",
    ),
    "no_experiment": ({"experiment": "REMOVE"}, f"experiment: is missing; give {NAME}"),
    "no_runs": (
        {"runs": {}, "figures": "REMOVE"},
        "runs: must be a mapping with at least one entry or null, not {}",
    ),
    "run_is_no_mapping": ({"runs.tanh": 3}, "runs.tanh: must be a mapping or null, not 3"),
    "defaults_are_no_mapping": (
        {
            "defaults": [1],
            **one_run(dataset="szt", network={"hidden": [1]}, training={"epochs": 1}),
        },
        "defaults: must be a mapping or null, not [1]",
    ),
    "section_set_to_nothing": (
        {"runs.tanh.training": None},
        f"runs.tanh.training: must be a mapping whose trainer is one of {', '.join(TRAINERS)}, "
        f"{OWN}, not null",
    ),
    "unsafe_experiment": (
        {"experiment": "../other"},
        f"experiment: must be {NAME}, not '../other'",
    ),
    "number_as_experiment": (
        {"experiment": 2017},
        f"experiment: must be {NAME}, not 2017. YAML reads no text here: put it in quotes.",
    ),
    "unsafe_run": ({"runs.a b": None}, f"runs.a b: 'a b' must be {NAME}"),
    "unsafe_dataset": (
        {("datasets", ".szt"): {"source": "szt"}},
        f"datasets..szt: '.szt' must be {NAME}",
    ),
    "unsafe_estimator": (
        {"estimators.k/e": {"estimator": "kde"}},
        f"estimators.k/e: 'k/e' must be {NAME}",
    ),
    "unsafe_comparison": (
        {"figures.comparisons.tanh vs relu": ["tanh", "relu"]},
        f"figures.comparisons.tanh vs relu: 'tanh vs relu' must be {NAME}",
    ),
    "number_as_name": (
        {("runs", 10): None},
        "runs.10: YAML does not read the name 10 as text; quote it",
    ),
    "date": (
        {"experiment": datetime.date(2017, 3, 2)},
        "experiment: YAML reads 2017-03-02 as a date; quote it",
    ),
    "unknown_dataset": (
        {"runs.tanh.dataset": "stz"},
        "runs.tanh.dataset: there is no data set 'stz'. Did you mean 'szt'? Known: szt, "
        "everything.",
    ),
    "unknown_dataset_in_defaults": (
        {"defaults.dataset": "letters"},
        "defaults.dataset: there is no data set 'letters'. Known: szt, everything.",
    ),
    "number_as_dataset": (
        {"runs.tanh.dataset": 1},
        "runs.tanh.dataset: there is no data set 1. A name is text. Known: szt, everything.",
    ),
    "unknown_estimator_of_run": (
        {"runs.tanh.estimators": ["kde", "bined"]},
        "runs.tanh.estimators[1]: there is no estimator 'bined'. Did you mean 'binned'? Known: "
        "binned, kde, kde-wide.",
    ),
    "estimator_twice": (
        {"runs.tanh.estimators": ["kde", "kde"]},
        'runs.tanh.estimators: ["kde", "kde"] is wrong: \'kde\' is listed twice',
    ),
    "no_estimators_of_run": (
        {"runs.tanh.estimators": []},
        "runs.tanh.estimators: must be a list of at least one, each text or null, not []",
    ),
    "unknown_run_in_comparison": (
        {"figures.comparisons.tanh-vs-relu": ["tanh", "rela"]},
        "figures.comparisons.tanh-vs-relu[1]: there is no run 'rela'. Did you mean 'relu'? "
        "Known: "
        "tanh, relu, batches, batches-activation_tanh-batch_size_128, "
        "batches-activation_relu-batch_size_128, batches-activation_tanh-batch_size_512, "
        "batches-activation_relu-batch_size_512.",
    ),
    "run_twice_in_comparison": (
        {"figures.comparisons.tanh-vs-relu": ["tanh", "tanh"]},
        'figures.comparisons.tanh-vs-relu: ["tanh", "tanh"] is wrong: \'tanh\' is listed twice',
    ),
    "variant_twice_in_comparison": (
        {"figures.comparisons.x": ["batches", "batches-activation_tanh-batch_size_128"]},
        "figures.comparisons.x: has the run 'batches-activation_tanh-batch_size_128' twice, by "
        "itself and as a variant",
    ),
    "comparison_of_one": (
        {"figures.comparisons.alone": ["tanh"]},
        "figures.comparisons.alone: must have at least two runs, side by side, not 1",
    ),
    "seed_twice": (
        {"runs.tanh.seeds": [3, 1, 3]},
        "runs.tanh.seeds: [3, 1, 3] is wrong: 3 is listed twice",
    ),
    "negative_seed": (
        {"runs.tanh.seeds": [0, -1]},
        "runs.tanh.seeds[1]: must be an integer ≥ 0 and ≤ 4294967295, not -1",
    ),
    "no_seeds": ({"runs.tanh.seeds": 0}, f"runs.tanh.seeds: must be {SEEDS}, not 0"),
    "model_validator": (
        {"runs.tanh.network": {"activation": ["tanh", "relu"]}},
        "runs.tanh.network: activation names 2 functions for 3 hidden layers; give one name "
        "for "
        "all of them, or one each",
    ),
    "rule_of_two_keys": (
        {"runs.tanh.training": {"stop": {"quantity": "loss_train"}}},
        "runs.tanh.training.stop: give exactly one of threshold and patience",
    ),
    "measured_after_training": (
        {"runs.tanh.measure": {"epochs": listed(1, 301, 400)}},
        "runs.tanh.measure.epochs.epochs: must be ≤ 300, which is training.epochs, not [301, "
        "400]",
    ),
    "kept_after_training": (
        {"runs.tanh.training": {"keep": listed(1, 301)}},
        "runs.tanh.training.keep.epochs: must be ≤ 300, which is training.epochs, not [301]",
    ),
    "measured_but_not_kept": (
        {
            "runs.tanh.training": {"keep": listed(10, 20)},
            "runs.tanh.measure": {"epochs": listed(0, 10, 15, 20, 300)},
        },
        "runs.tanh.measure.epochs.epochs: must be epochs whose weights training.keep keeps, "
        "not "
        "[15]",
    ),
    "pool_by_a_strange_estimator": (
        {"runs.tanh.pools": {"late": {"estimators": ["bined"]}}},
        "runs.tanh.pools.late.estimators[0]: there is no estimator 'bined' of this run. Did "
        "you mean 'binned'? Known: binned, kde, kde-wide.",
    ),
    "pool_over_noise_that_is_not": (
        {"runs.tanh.pools": {"late": {"over": "noise"}}},
        "runs.tanh.pools.late.over: must be epochs, seeds or both, not 'noise': nothing in a "
        "pass is random without network.noise, or dropout or batch norm and measure.passes: "
        "training",
    ),
    "pool_of_dropout_that_is_off": (
        one_run(network={"dropout": 0.1}, pools={"late": {"over": "noise"}}),
        "runs.r.pools.late.over: must be epochs, seeds or both, not 'noise': nothing in a "
        "pass is random without network.noise, or dropout or batch norm and measure.passes: "
        "training",
    ),
    "pool_of_noise_of_many_sizes": (
        one_run(
            network={"noise": {"sigma": 0.1, "relative": True}},
            estimators=["wanted"],
            pools={"late": {}},
        )
        | {"estimators.wanted": {"estimator": "sp"}},
        "runs.r.pools.late.estimators: cannot have 'wanted': it needs one σ, and relative "
        "noise gives every pooled network its own; set network.noise.relative to false",
    ),
    "pool_of_more_seeds_than_there_are": (
        {"runs.tanh.pools": {"late": {"over": "seeds", "lengths": [2, 500]}}},
        "runs.tanh.pools.late.lengths: must be ≤ 3, the number of seeds, not 500",
    ),
    "pool_by_what_cannot_pool": (
        {
            "estimators.clusters": {"estimator": "clustering"},
            "runs.tanh.estimators": ["binned", "clusters"],
            "runs.tanh.pools": {"late": {}},
        },
        "runs.tanh.pools.late.estimators: cannot have 'clusters': clusters of single "
        "activations are not information, and have no H(T|X)",
    ),
    "pool_by_what_remembers": (
        {
            "estimators.critic": {"estimator": "mine", "warm_start": True},
            "runs.tanh.estimators": ["critic"],
            "runs.tanh.pools": {"late": {}},
        },
        "runs.tanh.pools.late.estimators: cannot have 'critic': it continues from epoch to "
        "epoch; set warm_start to false",
    ),
    "pool_by_a_moving_average": (
        {
            "estimators.renyi": {"estimator": "renyi", "moving_average": 0.9},
            "runs.tanh.estimators": ["renyi"],
            "runs.tanh.pools": {"late": {}},
        },
        "runs.tanh.pools.late.estimators: cannot have 'renyi': it continues from epoch to "
        "epoch; set moving_average to 0",
    ),
    "noise_of_no_hidden_layer": (
        one_run(network={"hidden": [4], "noise": {"sigma": 0.1, "layers": ["hiden1"]}}),
        "runs.r.network.noise.layers[0]: must be one of hidden1, not 'hiden1'",
    ),
    "noise_of_no_measured_layer": (
        {
            "estimators.sp": {"estimator": "sp"},
            "runs": {
                "r": {
                    "network": {
                        "hidden": [4, 3],
                        "noise": {"sigma": 0.1, "multiplicative": True, "layers": ["hidden2"]},
                    },
                    "measure": {"layers": ["hidden1"]},
                    "estimators": ["sp"],
                }
            },
            "figures": "REMOVE",
        },
        "runs.r.estimators: cannot have 'sp' where no measured layer has noise, only "
        "hidden2: it estimates the information of a layer with Gaussian noise of its own",
    ),
    "widths_by_layer_without_a_layer": (
        {
            "estimators.edge": {"estimator": "edge", "bandwidth": {"hidden1": 2, "o*": 1}},
            "runs": {"r": {"network": {"hidden": [4, 3]}, "estimators": ["edge"]}},
            "figures": "REMOVE",
        },
        "runs.r.estimators: cannot have 'edge': bandwidth has none for layer 'hidden2', only "
        "for hidden1, o*",
    ),
    "widths_by_layer_of_no_layer": (
        {
            "estimators.kde": {"estimator": "kde", "noise_variance": {"hiden1": 2.0, "*": 1}},
            "runs": {"r": {"network": {"hidden": [4]}, "estimators": ["kde"]}},
            "figures": "REMOVE",
        },
        "runs.r.estimators: cannot have 'kde': noise_variance names 'hiden1', which matches no "
        "measured layer. Did you mean 'hidden1'? Measured: hidden1, output",
    ),
    "conv_on_flat_inputs": (
        one_run(network={"family": "cnn", "stages": CONV}),
        "runs.r.network.stages[0]: must have maps (channels, height, width) as its input, "
        "not 12 values; a data set gives maps with flatten: false; data set 'szt' gives "
        "inputs of 12",
    ),
    "preset_on_flat_inputs": (
        {
            "datasets.mnist": {"source": "mnist"},
            **one_run(dataset="mnist", network={"family": "cnn", "preset": "lenet5"}),
        },
        "runs.r.network.preset: must fit inputs of 784 values, not 'lenet5': stages.0 of it "
        "must have maps (channels, height, width) as its input, not 784 values; a data "
        "set gives maps with flatten: false; data set 'mnist' gives inputs of 784",
    ),
    "kernel_larger_than_the_map": (
        {
            "datasets.digits": {"source": "digits", "flatten": False},
            **one_run(dataset="digits", network={"family": "cnn", "stages": CONV}),
        },
        "runs.r.network.stages[0].kernel: must be ≤ 8, the smaller side of its input of "
        "1 × 8 × 8 with padding, not 9; data set 'digits' gives inputs of 1 × 8 × 8",
    ),
    "unknown_stage": (
        one_run(network={"family": "cnn", "stages": [{"stage": "convolution"}]}),
        "runs.r.network.stages[0].stage: must be one of conv, pool, flatten, dense, not "
        "'convolution'. Did you mean 'conv'?",
    ),
    "layer_that_is_not_there": (
        {"runs.tanh.measure": {"layers": ["output", "outpt"]}},
        "runs.tanh.measure.layers: 'outpt' matches no layer. Did you mean 'output'? Layers: "
        "hidden1, hidden2, hidden3, output",
    ),
    "passes_as_in_training_without_dropout": (
        {"runs.tanh.measure": {"passes": "training"}},
        "runs.tanh.measure.passes: must be evaluation, not 'training': no part of the network "
        "differs in training mode, as dropout and batch norm do",
    ),
    "noisy_estimator_and_dropout": (
        {
            "estimators.sp": {"estimator": "sp"},
            **one_run(
                estimators=["sp"],
                network={"noise": {"sigma": 0.1}, "dropout": 0.1},
                measure={"passes": "training", "draws": 3},
            ),
        },
        "runs.r.estimators: cannot have 'sp' where measure.passes is training: the "
        "draws contain more than noise: it estimates the information of a layer with Gaussian "
        "noise of its own",
    ),
    "crops_of_no_images": (
        {"runs.tanh.training.augment": {"crop": 2}},
        "runs.tanh.training.augment: must be left out, or have images (channels, height, "
        "width); a data set keeps images as they are with flatten: false; data set 'szt' gives "
        "inputs of 12",
    ),
    "autoencoder_that_learns_a_label": (
        one_run(dataset="szt", network=AUTOENCODER, training={"epochs": 300}),
        "runs.r.training.target: must be input, not 'label': network.family autoencoder "
        "reconstructs its inputs",
    ),
    "perceptron_that_learns_its_input": (
        {"runs.tanh.training.target": "input"},
        "runs.tanh.training.target: must be label, not 'input': network.family mlp gives "
        "scores of classes; autoencoder reconstructs its inputs",
    ),
    "accuracy_of_a_reconstruction": (
        one_run(
            network=AUTOENCODER,
            training={"target": "input", "stop": {"quantity": "accuracy_test", "patience": 3}},
        ),
        "runs.r.training: stop.quantity must be loss_train or loss_test with target: input, "
        "not 'accuracy_test': inputs have no accuracy",
    ),
    "sigmoid_of_standardised_inputs": (
        {
            "datasets.szt.standardise": "all",
            **one_run(
                network={**AUTOENCODER, "output": "sigmoid"}, training={"target": "input"}
            ),
        },
        "runs.r.network.output: must be linear, not 'sigmoid', which gives numbers between 0 "
        "and 1: data set 'szt' is standardised (all) and so has negative ones",
    ),
    "stage_of_an_encoder": (
        one_run(
            network={**AUTOENCODER, "encoder": [{"stage": "conv", "channels": 2, "kernel": 3}]},
            training={"target": "input"},
        ),
        "runs.r.network.encoder[0]: must have maps (channels, height, width) as its input, "
        "not 12 values; a data set gives maps with flatten: false; data set 'szt' gives "
        "inputs of 12",
    ),
    "reconstruction_of_a_classifier": (
        {"runs.tanh.measure": {"y": "reconstruction"}},
        "runs.tanh.measure.y: must be label, not 'reconstruction': network.family mlp "
        "does not reconstruct its inputs",
    ),
    "reconstruction_for_an_estimator_of_labels": (
        {
            "estimators.counted": {"estimator": "exact"},
            **one_run(
                network=AUTOENCODER,
                training={"target": "input"},
                measure={"y": "reconstruction"},
                estimators=["counted", "kde"],
            ),
        },
        "runs.r.estimators: cannot have 'counted' where measure.y is reconstruction, which "
        "is continuous: each works on activations and labels",
    ),
    "reconstruction_for_bins_over_training": (
        {
            "estimators.over": {"estimator": "binned", "range": "layer_over_training"},
            **one_run(
                network=AUTOENCODER,
                training={"target": "input"},
                measure={"y": "reconstruction"},
                estimators=["over"],
            ),
        },
        "runs.r.estimators: cannot have 'over' where measure.y is reconstruction, which is "
        "continuous: each with range: layer_over_training bins layers alone, over all epochs",
    ),
    "label_beside_a_reconstruction": (
        one_run(
            network=AUTOENCODER,
            training={"target": "input"},
            measure={"y": "reconstruction", "label": "y"},
        ),
        "runs.r.measure: label has no effect with y: reconstruction; leave out one of the two",
    ),
    "warm_up_without_training": (
        {"runs.tanh.training.optimizer": {"warm_up": 300}},
        "runs.tanh.training: optimizer.warm_up must be < 300, the epochs, not 300",
    ),
    "draws_without_noise": (
        {"runs.tanh.measure": {"draws": 10}},
        "runs.tanh.measure.draws: must be 1, not 10: without network.noise, or dropout or "
        "batch norm and measure.passes: training, all draws of an input are the same",
    ),
    "noisy_estimator_without_noise": (
        {"estimators.sp": {"estimator": "sp"}, **one_run(estimators=["kde", "sp"])},
        "runs.r.estimators: cannot have 'sp' where there is no network.noise: it estimates "
        "the information of a layer with Gaussian noise of its own",
    ),
    "convolutional_critic_of_vectors": (
        {
            "estimators.mine": {"estimator": "mine", "network": "convolutional"},
            **one_run(estimators=["kde", "mine"]),
        },
        "runs.r.estimators: cannot have 'mine', whose network must be auto or dense, not "
        "'convolutional': neither X nor a layer is a map that is read with its shape "
        "(measure.reading: whole)",
    ),
    "convolutional_critic_of_flattened_maps": (
        {
            "datasets.mnist": {"source": "mnist", "flatten": False},
            "estimators.nwj": {"estimator": "nwj", "network": "convolutional"},
            **one_run(dataset="mnist", network=LENET, estimators=["nwj"]),
        },
        "runs.r.estimators: cannot have 'nwj', whose network must be auto or dense, not "
        "'convolutional': neither X nor a layer is a map that is read with its shape "
        "(measure.reading: whole)",
    ),
    "critic_with_a_kernel_larger_than_a_map": (
        {
            "datasets.mnist": {"source": "mnist", "flatten": False},
            "estimators.mine": {"estimator": "mine", "kernel": 7},
            **one_run(
                dataset="mnist",
                network=LENET,
                estimators=["mine"],
                measure={"reading": "whole"},
            ),
        },
        "runs.r.estimators: cannot have 'mine', whose kernel must be at most 5, not 7: with "
        "maps of 10 × 10, convolution 2 gets maps of 5 × 5; use a smaller kernel or stride, "
        "fewer entries in channels, or network dense (conv2)",
    ),
    "critic_with_no_channels": (
        {"estimators.mine": {"estimator": "mine", "channels": [16, 0]}},
        "estimators.mine.channels[1]: must be an integer ≥ 1, not 0",
    ),
    "shared_and_noisy": (
        {
            "runs.tanh.network.noise": {"sigma": 0.1},
            "runs.tanh.measure": {"share_activations": "always"},
        },
        "runs.tanh.measure.share_activations: must be auto or never for a network with "
        "noise or with measure.passes: training: estimators of noisy layers need more than "
        "the activations",
    ),
    "noisy_and_quantised": (
        {"runs.tanh.network": {"noise": {"sigma": 0.1}, "quantisation": {"bits": 8}}},
        "runs.tanh.network: noise and quantisation exclude one another: with noise a "
        "quantised activation could take any value; leave out one of the two",
    ),
    "bits_between": (
        {"runs.tanh.network.quantisation": {"bits": 20}},
        "runs.tanh.network.quantisation: bits is 1 to 16, or 32 for none, not 20",
    ),
    "bits_of_nothing": (
        {"runs.tanh.network.quantisation": {"bits": 0}},
        "runs.tanh.network.quantisation.bits: must be an integer ≥ 1 and ≤ 32, not 0",
    ),
    "set_aside_by_what_is_not": (
        {
            "runs.tanh.dataset": "everything",
            "runs.tanh.training": {"set_aside": {"quantity": "accuracy_test", "below": 0.5}},
        },
        "runs.tanh.training.set_aside.quantity: must be of the training inputs, not "
        "'accuracy_test': data set 'everything' has training_fraction 1 and so no test inputs",
    ),
    "set_aside_without_a_threshold": (
        {"runs.tanh.training": {"set_aside": {"quantity": "accuracy_train"}}},
        "runs.tanh.training.set_aside: give below, not above, for accuracy_train",
    ),
    "measured_where_nothing_is": (
        {"runs.tanh.dataset": "everything", "runs.tanh.measure": {"inputs": "test"}},
        "runs.tanh.measure.inputs: must be train or all, not 'test': data set 'everything' has "
        "training_fraction 1 and so no test inputs",
    ),
    "stopped_by_what_is_not": (
        {
            "runs.tanh.dataset": "everything",
            "runs.tanh.training": {"stop": {"quantity": "loss_test", "patience": 3}},
        },
        "runs.tanh.training.stop.quantity: must be of the training inputs, not 'loss_test': "
        "data "
        "set 'everything' has training_fraction 1 and so no test inputs",
    ),
    "sweep_is_no_mapping": (
        one_run(sweep=["training.batch_size"]),
        "runs.r.sweep: must be a mapping of dotted keys to lists of values, not "
        '["training.batch_size"]',
    ),
    "sweep_of_unknown_key": (
        one_run(sweep={"training.batchsize": [1]}),
        "runs.r.sweep.training.batchsize: is not a key here. Did you mean "
        "'training.batch_size'? "
        f"Known: {TRAINING}.",
    ),
    "sweep_of_short_key": (
        one_run(sweep={"batch_size": [1]}),
        "runs.r.sweep.batch_size: is not a key here. Did you mean 'training.batch_size'? "
        "Known: "
        "dataset, network, training, measure.",
    ),
    "sweep_of_seeds": (
        one_run(sweep={"seeds": [1, 2]}),
        "runs.r.sweep.seeds: cannot be swept; only keys of dataset, network, training, measure "
        "can",
    ),
    "sweep_of_one_value": (
        one_run(sweep={"training.batch_size": 128}),
        "runs.r.sweep.training.batch_size: must be a list of at least one value, not 128",
    ),
    "sweep_of_nothing": (
        one_run(sweep={"training.batch_size": []}),
        "runs.r.sweep.training.batch_size: must be a list of at least one value, not []",
    ),
    "sweep_value_twice": (
        one_run(sweep={"training.optimizer.learning_rate": [1e-3, 1, "1e-3"]}),
        "runs.r.sweep.training.optimizer.learning_rate: 0.001 is listed twice; each value "
        "makes "
        "one run",
    ),
    "sweep_inside_a_sweep": (
        one_run(sweep={"training.keep": [{"schedule": "all"}], "training.keep.n": [2]}),
        "runs.r.sweep.training.keep: is swept as a whole, and training.keep.n inside it; sweep "
        "one of them",
    ),
    "wrong_sweep_value": (
        one_run(
            sweep={"training.batch_size": [128, 0], "network.activation": ["tanh", "relu"]}
        ),
        "runs.r.sweep.training.batch_size: must be an integer ≥ 1, not 0",
    ),
    "wrong_sweep_value_in_list": (
        one_run(sweep={"network.hidden": [[10, 7], [10, -7]]}),
        "runs.r.sweep.network.hidden[1]: must be an integer ≥ 1, not -7",
    ),
    "sweep_of_single_units": (
        one_run(sweep={"network.hidden": [10]}),
        "runs.r.sweep.network.hidden: must be a list of at least one, each an integer ≥ 1, not "
        "10",
    ),
    "wrong_sweep_in_defaults": (
        {"defaults.sweep": {"training.batch_size": [0]}, "figures": "REMOVE"},
        "defaults.sweep.training.batch_size: must be an integer ≥ 1, not 0",
    ),
    "variant_that_does_not_fit": (
        one_run(
            network={"activation": ["tanh", "relu"]},
            sweep={"network.hidden": [[3, 3], [3, 3, 3]]},
        ),
        "runs.r.network: activation names 2 functions for 3 hidden layers; give one name for "
        "all "
        "of them, or one each (in r-hidden_3x3x3)",
    ),
    "variant_named_like_a_run": (
        {
            "runs": {
                "r-batch_size_1": None,
                "r": {"sweep": {"training.batch_size": [1, 2]}},
            },
            "figures": "REMOVE",
        },
        "runs.r.sweep: makes a variant named 'r-batch_size_1', the name of "
        "runs.r-batch_size_1 too",
    ),
}


@pytest.mark.parametrize(("changes", "line"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_one_line_that_says_all(example, changes, line):
    assert mistakes(example(changes)) == [f"{FILE}: {line}"]


def test_all_mistakes_are_reported_at_once(example):
    names = ["unsafe_experiment", "unknown_source", "estimator_value", "number_in_defaults"]
    names += ["true_is_not_1", "unknown_choice", "negative_seed", "unknown_key_of_run"]
    names += ["unknown_dataset", "unknown_estimator_of_run", "comparison_of_one"]
    changes = {key: value for name in names for key, value in WRONG[name][0].items()}
    found = mistakes(example(changes))
    assert sorted(found) == sorted(f"{FILE}: {WRONG[name][1]}" for name in names)


def test_a_wrong_default_is_reported_once_and_also_where_no_run_takes_it(example):
    wrong = {"defaults.training.batch_size": 0}
    line = f"{FILE}: defaults.training.batch_size: must be an integer ≥ 1, not 0"
    assert mistakes(example(wrong)) == [line]
    runs = {"r": {"training": {"batch_size": 1}}}
    assert mistakes(example({**wrong, "runs": runs, "figures": "REMOVE"})) == [line]


def test_a_default_that_fits_no_other_is_no_mistake_where_runs_put_it_right(example):
    changes = {"defaults.network.activation": ["tanh", "relu"]}
    runs = {"r": {"network": {"hidden": [3, 3]}}}
    load(example({**changes, "runs": runs, "figures": "REMOVE"}), FILE)


def test_estimators_of_noisy_layers_measure_networks_with_noise(example):
    changes = {"estimators": {"sp": {"estimator": "sp"}}, **one_run(seeds=1)}
    (line,) = mistakes(example(changes))
    assert line.startswith(f"{FILE}: runs.r.estimators: cannot have 'sp'")
    changes |= one_run(network={"noise": {"sigma": 0.1}})
    assert load(example(changes), FILE).runs["r"].estimators == ["sp"]
    changes |= one_run(sweep={"network.noise": [None, {"sigma": 0.1}]})
    (line,) = mistakes(example(changes))
    assert line.endswith("noise of its own (in r-noise_none)")


def test_a_sweep_that_makes_names_too_long_for_files_says_so(example):
    name = "r" * 100
    swept = {"network.hidden": [[100] * 20], "network.activation": [["softsign"] * 20]}
    swept["training.optimizer"] = [{"method": "adam", "epsilon": 1e-7, "learning_rate": 1e-3}]
    changes = {"runs": {name: {"sweep": swept}}, "figures": "REMOVE"}
    found = mistakes(example(changes))
    assert found[0].startswith(f"{FILE}: runs.{name}.sweep: makes a name of 2")
    assert "characters, more than 200: 'rrr" in found[0]


def test_a_mistake_of_some_variants_names_the_first(example):
    sizes = [[n] for n in range(1, 6)]
    changes = one_run(network={"activation": ["tanh", "relu"]})
    changes["runs"]["r"]["sweep"] = {"network.hidden": [*sizes, [3, 3]]}
    (line,) = mistakes(example(changes))
    assert line.endswith("(in r-hidden_1, r-hidden_2, r-hidden_3 and 2 more)")


@pytest.mark.parametrize("config", [None, [], "text", 3])
def test_a_file_that_is_no_mapping_says_so(config):
    (line,) = mistakes(config)
    assert line.startswith(f"{FILE}: must be a mapping with keys out of experiment, datasets")


def test_messages_are_for_people(example):
    text = "\n".join(line for _, line in WRONG.values())
    for word in ("pydantic", "http", "Input should", "literal", "union", "int_type"):
        assert word not in text
