"""Speed of the estimators compared with the published algorithms and the machine's limits.

    python benchmark/run.py                     everything, some minutes
    python benchmark/run.py --quick             small sizes, half a minute
    python benchmark/run.py binned kde ksg      any of: binned, exact, kde, memory, pooled,
                                                ksg, edge, critics, sp, others, training,
                                                convolutions, scale
    python benchmark/run.py --threads 1
    python benchmark/run.py --cpu-time          CPU seconds of one thread, which other work on
                                                the machine hardly changes; nothing is kept
    python benchmark/run.py --avx2              as on a CPU without AVX-512

Ratios are medians of alternating runs within this process; absolute times depend on other work
on the machine. `distance` is the time divided by that of the machine's measured limit alone.
For kernels with many units the limit is the matrix products of half of the pairs; with few
units it is the differences and an exponential of the pairs that count; for bins it is one
reading of the activations. Rows are kept by part in benchmark/speeds and shown in
docs/speed-table.md.
"""

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import clock
import convolutions
import critics
import hashing
import neighbours
import others
import peers
import problems
import propagation
import scale
import table
import torch
import training

from infoplane.estimators import binned, kde
from infoplane.samples import Samples
from infoplane.threads import use_threads


def bench_binned(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """SZT layers, 30 bins, 400 checkpoints at a time, which is the number in the published
    protocol; times are for one checkpoint."""
    settings = binned.BinnedSettings(n_bins=29, range="fixed", low=-1, high=1)
    edges = torch.linspace(-1, 1, 30, dtype=torch.float64).numpy()
    total = [0.0, 0.0]
    for units, batch in problems.szt_layers().items():
        n_peer = 5 if quick else 25
        chosen = batch[:: len(batch) // n_peer]

        def peer(chosen=chosen):
            for s in chosen:
                peers.binned(s.t[:, 0].numpy(), s.y.numpy(), edges)

        theirs, ours = clock.medians(
            peer, lambda b=batch: binned.Binned(settings).estimate_batch(b), 3 if quick else 9
        )
        theirs, ours = theirs / len(chosen), ours / len(batch)
        total = [total[0] + theirs, total[1] + ours]
        n_bytes = batch[0].t.numel() * batch[0].t.itemsize
        least = n_bytes / limits.bytes_per_second
        yield clock.Row(f"binned 4096 × {units}", ours, theirs, least, "memory")
    theirs, ours = total
    yield clock.Row("binned, the six layers", ours, theirs)


def bench_kde(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """Both bounds of I(X;T) and I(T;Y) for one layer."""
    szt = problems.szt_layers(3)
    cases = [(f"kde 4096 × {d} (tanh)", szt[d][1], 1e-3) for d in szt]
    cases += [(f"kde 4096 × {d}", problems.relu_layer(4096, d), 0.1) for d in (2, 3, 5, 10, 20)]
    cases += [("kde 4096 × 1024", problems.relu_layer(4096, 1024), 0.1)]
    if not quick:
        cases += [(f"kde 10000 × {d}", problems.relu_layer(10_000, d), 0.1) for d in (20, 1024)]
    for name, samples, variance in cases:
        settings = kde.KDESettings(noise_variance=variance)
        t, y = samples.t[:, 0], samples.y
        theirs, ours = clock.medians(
            lambda t=t, y=y, v=variance: peers.kde(t, y, v),
            lambda s=samples, c=settings: kde.KDE(c).estimate(s),
            3 if quick or len(t) > 5000 else 7,
        )
        yield clock.Row(name, ours, theirs, *least_time(samples, variance, limits))


def least_time(samples: Samples, variance: float, limits: clock.Limits) -> tuple[float, str]:
    """Seconds of the limit that binds, and its name.

    With many units these are the products of half of the pairs. With few units they are, for
    half of the pairs whose kernels are not negligible against a row's own, a difference and a
    square for each unit, at the rate of the instructions of a matrix product, and an
    exponential.
    """
    n_pairs = samples.n_inputs**2 / 2
    if samples.n_units > 32:
        return n_pairs * 2 * samples.n_units / (limits.gflops * 1e9), "GEMM"
    rows = samples.t[:, 0]
    apart = torch.cdist(rows[:: max(1, len(rows) // 512)], rows).square() / (8 * variance)
    n_pairs *= float((apart < math.log(len(rows)) + 16).double().mean())
    exponentials = n_pairs / limits.exponentials
    differences = n_pairs * 2 * 2 * samples.n_units / (limits.gflops * 1e9)
    return exponentials + differences, (
        "exponentials" if exponentials > differences else "differences"
    )


def bench_memory(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """The largest resident memory of a process that measures one large layer."""
    n_inputs = 10_000 if quick else 60_000
    taken, resident = measured_alone(f"problems.relu_layer({n_inputs}, 1024)", 0.1)
    pairs = n_inputs**2 / 2 * 2 * 1024 / (limits.gflops * 1e9)
    note = say_memory(resident, n_inputs)
    yield clock.Row(f"kde {n_inputs} × 1024", taken, None, pairs, "GEMM", note)


def bench_pooled(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """Layers of the SZT network with 50 pooled epochs, both bounds, with H(T|X). The peer's
    time is EXTRAPOLATED from one epoch by the number of pairs."""
    n_draws = 10 if quick else 50
    layers = problems.szt_layers(3)
    for units in (10, 3):
        single = layers[units][1]
        theirs = clock.seconds(lambda s=single: peers.kde(s.t[:, 0], s.y, 1e-3)) * n_draws**2
        taken, resident = measured_alone(f"problems.pooled_layer({units}, {n_draws})", 1e-3)
        pairs = (4096 * n_draws) ** 2 / 2 / limits.exponentials
        name = f"kde 4096 × {n_draws} pooled, {units} units"
        note = say_memory(resident, 4096 * n_draws)
        yield clock.Row(name, taken, theirs, pairs, "exponentials", note)


def measured_alone(problem: str, variance: float) -> tuple[float, int]:
    """Seconds and largest resident memory in bytes of a process that makes the problem and
    measures it with kernels."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import problems, run; "
        f"run.measure({problem}, {variance}, {torch.get_num_threads()})"
    )
    here = str(Path(__file__).resolve().parent)
    result = subprocess.run(
        [sys.executable, "-c", program, here], check=True, capture_output=True, text=True
    )
    taken, resident = result.stdout.split()
    return float(taken), int(resident)


def measure(samples: Samples, variance: float, n_threads: int) -> None:
    """Print seconds and the process's largest resident memory in bytes."""
    use_threads(n_threads)
    settings = kde.KDESettings(noise_variance=variance)
    kde.KDE(settings).estimate(
        Samples(samples.t[:64].clone(), samples.y[:64])
    )  # loads the loops
    taken = clock.seconds(lambda: kde.KDE(settings).estimate(samples))
    print(taken, clock.largest_resident())


def say_memory(resident: int, n_rows: int) -> str:
    """Resident memory, and the memory that the published formula would need, in words."""
    needed = n_rows**2 * 4 / 1e9
    return f"resident {resident / 1e9:.2f} GB; the plain n × n matrix alone {needed:.1f} GB"


AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "NUMBA_CACHE_DIR": str(Path(tempfile.gettempdir()) / "infoplane-numba-avx2"),
    "NUMBA_CPU_FEATURES": "",
    "NUMBA_CPU_NAME": "haswell",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
"""Settings that keep torch, oneDNN, MKL, numpy, OpenBLAS and numba from instructions beyond
AVX2."""

PARTS = {
    "binned": bench_binned,
    "kde": bench_kde,
    "memory": bench_memory,
    "pooled": bench_pooled,
    "ksg": neighbours.bench_ksg,
    "edge": hashing.bench_edge,
    "exact": hashing.bench_exact,
    "critics": critics.bench_critics,
    "sp": propagation.bench_sp,
    "others": others.bench_others,
    "training": training.bench_training,
    "convolutions": convolutions.bench_convolutions,
    "scale": scale.bench_scale,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="by default all")
    parser.add_argument("--quick", action="store_true", help="small sizes; nothing is kept")
    parser.add_argument("--avx2", action="store_true", help="as on a CPU without AVX-512")
    parser.add_argument("--cpu-time", action="store_true", help="of one thread; not kept")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = parser.parse_args()
    if chosen.avx2 and not AVX2.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | AVX2)
    if chosen.cpu_time:
        clock.now, chosen.threads = time.process_time, 1
    use_threads(chosen.threads)
    load, limits = os.getloadavg()[0], clock.Limits.measured()
    print(f"{table.processor()}, {chosen.threads} threads; {limits}")
    print(clock.HEAD)
    for name in chosen.parts or PARTS:
        rows = []
        for row in PARTS[name](limits, chosen.quick):
            print(row, flush=True)
            rows.append(row)
        if not (chosen.quick or chosen.cpu_time):
            table.keep(name, rows, limits, chosen.threads, load)


if __name__ == "__main__":
    main()
