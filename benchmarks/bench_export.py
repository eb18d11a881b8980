"""What an export costs: time and bytes of every format, against networkx writing the same graph.

    python benchmarks/bench_export.py [--repeats 5]

An MLP 784-1024-1024-10 at 90 % sparsity, its last layer dense, with weights: the graph that a
snapshot of `bench_recording.py` has. The peers begin with a networkx graph that is made already.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx
import numpy as np

import topolab
from topolab.registry import load_all

SHAPES = {"fc1": (1024, 784), "fc2": (1024, 1024), "fc3": (10, 1024)}


def snapshot(folder: Path) -> topolab.Run:
    rng = np.random.default_rng(1)
    layers = [topolab.LayerSpec(n, "linear", s, maskable=n != "fc3") for n, s in SHAPES.items()]
    masks = {k.name: rng.random(k.shape) < (0.1 if k.maskable else 2) for k in layers}
    weights = {k.name: rng.normal(size=k.shape) for k in layers}
    with topolab.Recorder(folder, layers=layers, seed=1) as recorder:
        recorder.record(0, masks, weights=weights)
    return topolab.open_run(folder)


def peer_of(ours: topolab.LayeredGraph) -> networkx.DiGraph:
    """The same graph, with the same attributes, in networkx, its nodes named as in a file."""
    made = ours.to_networkx()
    for _, data in made.nodes(data=True):
        del data["id"]
    return networkx.relabel_nodes(made, dict(enumerate(ours.ids)))


def graph_of(snapshot: topolab.Snapshot) -> topolab.LayeredGraph:
    """With all that an export says of neurons and edges."""
    graph = topolab.LayeredGraph.from_snapshot(snapshot)
    graph.neuron_attributes()
    graph.edge_attributes()
    return graph


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        compare(Path(work), options.repeats)


def compare(work: Path, repeats: int) -> None:
    run = snapshot(work / "run")
    times: dict[str, list[float]] = {}

    def timed(name: str, function: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        value = function()
        times.setdefault(name, []).append(time.perf_counter() - started)
        return value

    ours = timed("graph", lambda: graph_of(run[0]))
    peer = peer_of(ours)
    formats = load_all("exporters")
    peers: dict[str, Callable[[], Any]] = {
        "graphml": lambda: networkx.write_graphml(peer, work / "peer.graphml"),
        "gexf": lambda: networkx.write_gexf(peer, work / "peer.gexf"),
        "networkx-json": lambda: (work / "peer.json").write_text(
            json.dumps(networkx.node_link_data(peer, edges="edges"))
        ),
    }
    sizes = {}
    for _ in range(repeats):
        timed("graph", lambda: graph_of(run[0]))
        for name, exporter in formats.items():
            out = work / f"ours{exporter.suffix}"
            files = timed(
                name, lambda to=name, out=out: topolab.export(run, out, to=to, force=True)
            )
            sizes[name] = sum(path.stat().st_size for path in files)
            if name in peers:
                timed(f"networkx {name}", peers[name])
    made = statistics.median(times["graph"])
    print(f"{ours.n_neurons:,} neurons, {ours.n_edges:,} edges; the graph with degrees and")
    print(f"coreness takes {1e3 * made:.0f} ms of each; medians of {repeats}\n")
    print("| format | bytes | topolab, s | networkx, writing alone, s | times ours |")
    print("|---|---|---|---|---|")
    for name in formats:
        ours = statistics.median(times[name])
        of_peer = times.get(f"networkx {name}")
        shown = "| | |"
        if of_peer is not None:
            theirs = statistics.median(of_peer)
            shown = f"| {theirs:.2f} | {theirs / ours:.1f} |"
        print(f"| {name} | {sizes[name]:,} | {ours:.2f} {shown}")


if __name__ == "__main__":
    main()
