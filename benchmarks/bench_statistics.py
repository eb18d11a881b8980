"""The statistics against their peers: igraph, networkx, NetworKit, scipy, powerlaw. One run.

    python benchmarks/bench_statistics.py [--repeats 5] [--large] [--kendall]

NetworKit runs if it is installed (`pip install "topolab[bench]"`). --large goes on to 10^8 edges,
which needs 8 GB of memory; --kendall times only the rank correlations. Repeats are interleaved;
the tables show medians.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import math
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import igraph
import networkx as nx
import numpy as np
import powerlaw as powerlaw_package
import scipy.sparse as sp
from scipy.stats import kendalltau

import topolab
from topolab.metrics import correlation, powerlaw
from topolab.snapshot import Snapshot, pack_mask

try:
    import networkit
except ImportError:
    networkit = None


def medians(
    contenders: dict[str, Callable[[], object]],
    repeats: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    if repeats > 1:
        for run in contenders.values():  # caches, and machine code that is read from disk
            run()
    for _ in range(repeats):
        for name, run in contenders.items():
            started = clock()
            run()
            taken[name].append(clock() - started)
    return {name: statistics.median(values) for name, values in taken.items()}


def table(title: str, times: dict[str, float], ours: str) -> None:
    print(f"\n{title}\n\n| | seconds | times ours |\n|---|---|---|")
    for name, seconds in times.items():
        print(f"| {name} | {seconds:.4g} | {seconds / times[ours]:.3g} |")


def hub_heavy(seed: int = 0) -> np.ndarray:
    """1,536 degrees like those of a layer with hubs."""
    rng = np.random.default_rng(seed)
    return np.clip(np.round(np.exp(rng.normal(4.2, 0.9, 1536))), 1, 1500).astype(int)


def goodness(repeats: int) -> None:
    data = hub_heavy()
    law = powerlaw.fit(data)
    print(f"n = {len(data)}, {len(np.unique(data))} distinct, x_min {law.x_min}, "
          f"alpha {law.alpha:.4f}, D {law.ks_distance:.5f}")  # fmt: skip
    ours = {}

    def test(threads: int) -> Callable[[], object]:
        def run() -> None:
            ours[threads] = powerlaw.goodness_of_fit(data, law, threads=threads).p_value

        return run

    theirs: list[object] = []
    plain = data.tolist()
    contenders = {
        "topolab, 2 threads": test(2),
        "topolab, 1 thread": test(1),
        "topolab, 1 thread, stop_at=0.1": lambda: powerlaw.goodness_of_fit(data, law, stop_at=0.1),
    }
    powerlaw.goodness_of_fit(data, law, replicates=10)
    times = medians(contenders, repeats)
    # igraph's fit includes its p-value, whose 2,500 replicates are nearly all of it.
    slow = {"igraph power_law_fit": lambda: theirs.append(igraph.power_law_fit(plain))}
    times |= medians(slow, max(1, repeats // 3))
    table("Fit and p-value, x_min searched, 2,500 replicates", times, "topolab, 2 threads")
    few = {
        "compiled loops, 1 thread, 20 replicates": lambda: powerlaw.goodness_of_fit(
            data, law, replicates=20
        ),
        "array program on this CPU, 20 replicates": lambda: powerlaw.goodness_of_fit(
            data, law, replicates=20, device="cpu-arrays"
        ),
    }
    table("The same decisions as arrays, as for a GPU", medians(few, 1),
          "compiled loops, 1 thread, 20 replicates")  # fmt: skip
    found = str(theirs[0])
    p = next(line.split("=")[1].strip() for line in found.splitlines() if "p-value" in line)
    print(f"\np: topolab {ours[2]:.4f} (1 thread: {ours[1]:.4f}), igraph {p}")


def one_fit(repeats: int) -> None:
    data = hub_heavy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        contenders = {
            "topolab fit": lambda: powerlaw.fit(data),
            "powerlaw package, Fit": lambda: powerlaw_package.Fit(
                data, discrete=True, verbose=0, estimate_discrete=False,
                parameter_ranges={"alpha": [1.01, 10.0]},
            ).power_law.alpha,
        }  # fmt: skip
        times = medians(contenders, repeats)
    table("One fit, x_min searched, no p-value", times, "topolab fit")
    law = powerlaw.fit(data, 50)
    theirs = powerlaw_package.Fit(data, discrete=True, xmin=50, verbose=0)

    def all_of_theirs() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = powerlaw_package.Fit(data, discrete=True, xmin=50, verbose=0)
            for rival in powerlaw.RIVALS:
                fit.distribution_compare("power_law", rival)

    del theirs
    contenders = {
        "topolab compare": lambda: [powerlaw.compare(data, law, r) for r in powerlaw.RIVALS],
        "powerlaw package, distribution_compare": all_of_theirs,
    }
    times = medians(contenders, max(1, repeats // 2))
    table("Four rivals on a tail from 50 on", times, "topolab compare")


def whole_run() -> None:
    """260 snapshots of two hidden layers whose degrees spread while they train."""
    rng = np.random.default_rng(1)
    base = rng.normal(size=(2, 1536))
    started = time.perf_counter()
    replicates = 0
    for t in range(260):
        spread = 0.15 + 0.85 * t / 260
        for layer, n in ((0, 1024), (1, 512)):
            data = np.clip(np.round(np.exp(4.0 + spread * base[layer, :n])), 1, 1500).astype(int)
            law = powerlaw.fit(data)
            gof = powerlaw.goodness_of_fit(data, law, stop_at=0.1, threads=2)
            replicates += gof.replicates
    seconds = time.perf_counter() - started
    print(f"\n260 snapshots x 2 hidden layers, fit and p, sequential stopping: {seconds:.1f} s, "
          f"{replicates / 520:.0f} replicates a fit")  # fmt: skip


def masks(sizes: tuple[int, ...], density: float) -> Snapshot:
    rng = np.random.default_rng(0)
    layers = tuple(
        topolab.LayerSpec(f"fc{i}", "linear", (n, m))
        for i, (m, n) in enumerate(itertools.pairwise(sizes))
    )
    packed = {}
    for layer in layers:
        parts = [
            rng.random((min(1000, layer.n_out - at), layer.n_in), dtype=np.float32) < density
            for at in range(0, layer.n_out, 1000)
        ]
        packed[layer.name] = pack_mask(np.concatenate(parts))
    return Snapshot(0, 0, 0.0, layers, packed)


def graphs(repeats: int) -> None:
    snapshot = masks((784, 1024, 1500, 1300, 10), 0.0411)
    graph = topolab.LayeredGraph.from_snapshot(snapshot)
    sources, targets, _ = graph.edges
    n = graph.n_neurons
    pairs = np.column_stack([sources, targets])

    def ours() -> np.ndarray:
        made = topolab.LayeredGraph.from_snapshot(snapshot)
        made.degrees()
        return made.coreness()

    def by_igraph() -> list[int]:
        made = igraph.Graph(n=n, edges=pairs)
        made.degree()
        return made.coreness()

    def by_networkx() -> dict[int, int]:
        made = nx.Graph()
        made.add_nodes_from(range(n))
        made.add_edges_from(pairs.tolist())
        dict(made.degree())
        return nx.core_number(made)

    contenders: dict[str, Callable[[], object]] = {
        "topolab, from packed masks": ours,
        "igraph, from an edge array": by_igraph,
        "networkx, from an edge array": by_networkx,
    }
    if networkit is not None:
        coo = sp.coo_matrix((np.ones(len(sources)), (sources, targets)), shape=(n, n))

        def by_networkit() -> list[float]:
            made = networkit.GraphFromCoo(coo, n=n, weighted=False, directed=False)
            return networkit.centrality.CoreDecomposition(made).run().scores()

        contenders["NetworKit, from a COO matrix"] = by_networkit
    expected = ours().tolist()
    for name, run in contenders.items():
        found = run()
        scores = [found[i] for i in range(n)] if isinstance(found, dict) else list(found)
        assert [int(s) for s in scores] == expected, name
    times = medians(contenders, repeats)
    table(f"Degrees and coreness, {n:,} neurons, {len(sources):,} edges", times,
          "topolab, from packed masks")  # fmt: skip


def memory(what: str) -> float:
    """VmRSS or VmHWM of this process in MiB (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def scaling(edges: int) -> None:
    """In a process of its own, so that the peak of memory is its own."""
    width = round((edges / 0.25) ** 0.5)
    warm = topolab.LayeredGraph.from_snapshot(masks((9, 9), 0.25))
    warm.degrees()
    warm.coreness()
    snapshot = masks((width, width), 0.25)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = memory("VmRSS")
    started = time.perf_counter()
    graph = topolab.LayeredGraph.from_snapshot(snapshot)
    degrees = graph.degrees()
    core = graph.coreness()
    seconds = time.perf_counter() - started
    real = graph.n_edges
    more = memory("VmHWM") - before
    print(f"| {real:,} | {seconds:.3g} | {seconds / real * 1e9:.0f} | {more:,.0f} "
          f"| {more * 2**20 / real:.0f} |")  # fmt: skip
    assert degrees.sum() == 2 * real and core.max() <= degrees.max()


def degrees_in_time(times: int, neurons: int) -> np.ndarray:
    """Degrees with ties that drift: a row per snapshot."""
    rng = np.random.default_rng(0)
    base = rng.lognormal(4, 0.8, neurons)
    return np.round(base * np.exp(np.cumsum(rng.normal(0, 0.02, (times, neurons)), 0))).astype(int)


def kendall(repeats: int) -> None:
    largest = 0.0
    for times, neurons in ((2, 100_000), (8, 20_000), (263, 1536)):
        degrees = degrees_in_time(times, neurons)
        found = {}

        def ours(rows: np.ndarray = degrees, found: dict[str, np.ndarray] = found) -> None:
            found["topolab"] = correlation.kendall_matrix(rows)

        def theirs(rows: np.ndarray = degrees, found: dict[str, np.ndarray] = found) -> None:
            found["scipy"] = np.eye(len(rows))
            for i, j in itertools.combinations(range(len(rows)), 2):
                tau = kendalltau(rows[i], rows[j]).statistic
                found["scipy"][i, j] = found["scipy"][j, i] = tau

        contenders = {"topolab": ours, "scipy kendalltau in a loop": theirs}
        if times > 8:  # scipy's loop takes 10 s and more: once
            taken = medians({"topolab": ours}, repeats) | medians({"scipy in a loop": theirs}, 1)
        else:
            taken = medians(contenders, repeats)
        table(f"Kendall tau-b, {times} snapshots of {neurons:,} neurons", taken, "topolab")
        largest = max(largest, float(np.abs(found["topolab"] - found["scipy"]).max()))
    print(f"\nlargest difference: {largest:.2g}")


def kendall_roads(repeats: int) -> None:
    """Where each way of counting is the faster one: what SIGN and STEP are taken from."""
    print("\nKendall tau-b, one thread: CPU time by bits over that by trees; * where bits are "
          "taken\n")  # fmt: skip
    neurons = (256, 512, 1024, 2048, 4096)
    print("| snapshots | " + " | ".join(f"{n:,} neurons" for n in neurons) + " |")
    print("|---" * (len(neurons) + 1) + "|", flush=True)
    words, bits_seconds, steps, tree_seconds = [], [], [], []
    for times in (2, 8, 32, 64, 128, 256):
        cells = []
        for n in neurons:
            rows = degrees_in_time(times, n)
            taken = medians(
                {
                    "bits": lambda rows=rows: correlation._by_bits(rows, 1),
                    "trees": lambda rows=rows: correlation._by_trees(rows, 1),
                },
                repeats,
                time.process_time,
            )
            pairs, products = n * (n - 1) / 2, times * (times - 1) / 2
            words.append([pairs * times, pairs * products / 64])
            bits_seconds.append(taken["bits"])
            steps.append(products * n * math.log2(n))
            tree_seconds.append(taken["trees"])
            star = " *" if correlation.bits_are_faster(times, n) else ""
            cells.append(f"{taken['bits'] / taken['trees']:.2f}{star}")
        print(f"| {times} | " + " | ".join(cells) + " |", flush=True)
    # Of the larger shapes, and relative errors: small ones are all overhead.
    some = np.array(bits_seconds) > 1e-3
    relative = np.array(words)[some] / np.array(bits_seconds)[some, None]
    sign, word = np.linalg.lstsq(relative, np.ones(some.sum()), rcond=None)[0]
    step = np.median((np.array(tree_seconds) / np.array(steps))[some])
    print(f"\nns: a sign {sign * 1e9:.2f}, a word {word * 1e9:.2f}, a step {step * 1e9:.2f}; in "
          f"words: a sign {sign / word:.1f} (taken: {correlation.SIGN}), a step {step / word:.1f} "
          f"(taken: {correlation.STEP})")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="up to 10^8 edges")
    parser.add_argument("--kendall", action="store_true", help="only the rank correlations")
    parser.add_argument("--scaling", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.scaling:
        scaling(options.scaling)
        return
    if options.kendall:
        kendall(options.repeats)
        kendall_roads(options.repeats)
        return
    goodness(options.repeats)
    one_fit(options.repeats)
    whole_run()
    graphs(options.repeats)
    print("\nDegrees and coreness of one square layer at density 0.25\n")
    print("| edges | seconds | ns an edge | memory beyond the masks, MB | bytes an edge |")
    print("|---|---|---|---|---|", flush=True)
    for edges in (10**5, 10**6, 10**7, *([10**8] if options.large else [])):
        subprocess.run([sys.executable, __file__, "--scaling", str(edges)], check=True)
    kendall(options.repeats)
    kendall_roads(options.repeats)


if __name__ == "__main__":
    main()
