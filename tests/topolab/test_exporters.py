"""Doors out: read back by the programs they are for, every format gives the same graph."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import igraph
import networkx
import numpy as np
import pandas as pd
import pytest
import torch

import topolab
from topolab.errors import ConfigError, LayerError, PartialFailure, RunError, SnapshotError
from topolab.exporters import export
from topolab.registry import find, names
from topolab.testing import contract_of

NUMBERS = ("index", "in_degree", "out_degree", "degree", "coreness")


@dataclass
class Graph:
    """What every reader gives: nodes and edges by name, with what they carry."""

    nodes: dict[str, dict[str, Any]]
    edges: dict[tuple[str, str], dict[str, Any]]
    about: dict[str, Any] = field(default_factory=dict)


# -- the oracle: from dense masks and networkx, not from the code under test ---------------------


def expected(snapshot: topolab.Snapshot, *, separate: bool = False) -> Graph:
    graph = networkx.DiGraph()
    previous, sizes = "input", {}
    for layer in snapshot.layers:
        source = f"{layer.name}:in" if separate else layer.source or previous
        sizes.setdefault(source, layer.n_in)
        repeat = layer.n_in // sizes[source]
        sizes[layer.name] = layer.n_out
        previous = layer.name
        for name in (source, layer.name):
            for i in range(sizes[name]):
                graph.add_node(f"{name}:{i}", layer=name, index=i)
        weight = np.zeros(layer.shape)
        stored = snapshot.weights[layer.name]
        if stored is not None:
            weight[snapshot.masks[layer.name]] = stored
        for place in zip(*np.nonzero(snapshot.masks[layer.name]), strict=True):
            out, column = int(place[0]), int(place[1])
            if layer.kind == "conv":
                column += out // (layer.n_out // layer.groups) * layer.shape[1]
            ends = f"{source}:{column // repeat}", f"{layer.name}:{out}"
            if not graph.has_edge(*ends):
                graph.add_edge(*ends, active=0, weight=-0.0)  # what changes nothing that is added
            graph.edges[ends]["active"] += 1
            graph.edges[ends]["weight"] += float(weight[place]) if stored is not None else math.nan
    core = networkx.core_number(graph.to_undirected())
    nodes = {
        name: {
            **data, "in_degree": graph.in_degree(name), "out_degree": graph.out_degree(name),
            "degree": graph.degree(name), "coreness": core[name],
        }
        for name, data in graph.nodes.items()
    }  # fmt: skip
    return Graph(nodes, {(a, b): d for a, b, d in graph.edges(data=True)})


def check(found: Graph, right: Graph, *, weights: bool, null: bool = False) -> None:
    assert found.nodes == right.nodes
    assert found.edges.keys() == right.edges.keys() and right.edges
    for ends, data in found.edges.items():
        assert data["active"] == right.edges[ends]["active"]
        assert ("weight" in data) == weights
        if weights:
            value, should = data["weight"], np.float32(right.edges[ends]["weight"])
            if null and not np.isfinite(should):
                assert value is None
            else:
                np.testing.assert_equal(np.float32(value), should)


# -- the readers: one or more for every format ---------------------------------------------------


def from_networkx(graph: Any, *, ids: str | None = None) -> Graph:
    assert graph.is_directed() and not graph.is_multigraph()
    keep = ("layer", *NUMBERS)
    return Graph(
        {name: {k: data[k] for k in keep} for name, data in graph.nodes.items()},
        {
            (a, b): {k: data[k] for k in ("active", "weight") if k in data}
            for a, b, data in graph.edges(data=True)
        },
        dict(graph.graph),
    )


def from_igraph(graph: igraph.Graph, *, named: str) -> Graph:
    assert graph.is_directed()
    names_ = graph.vs[named]
    return Graph(
        {v[named]: {"layer": v["layer"], **{k: int(v[k]) for k in NUMBERS}} for v in graph.vs},
        {
            (names_[e.source], names_[e.target]): {
                k: e[k] for k in ("active", "weight") if k in e.attributes()
            }
            for e in graph.es
        },
        {k: graph[k] for k in graph.attributes()},
    )


def from_arrays(
    ids: Any, layer: Any, numbers: Mapping[str, Any], source: Any, target: Any,
    edges: Mapping[str, Any], about: dict[str, Any],
) -> Graph:  # fmt: skip
    return Graph(
        {
            str(name): {"layer": str(layer[i]), **{k: int(v[i]) for k, v in numbers.items()}}
            for i, name in enumerate(ids)
        },
        {
            (str(ids[a]), str(ids[b])): {k: v[i].item() for k, v in edges.items()}
            for i, (a, b) in enumerate(zip(source, target, strict=True))
        },
        about,
    )


def read_npz(files: list[Path]) -> Graph:
    with np.load(files[0]) as data:  # allow_pickle=False
        return from_arrays(
            data["id"], data["layer_names"][data["layer"]], {k: data[k] for k in NUMBERS},
            data["source"], data["target"],
            {k: data[k] for k in ("active", "weight") if k in data},
            json.loads(str(data["about"])),
        )  # fmt: skip


def read_pandas(files: list[Path]) -> Graph:
    nodes, edges = map(pd.read_parquet, files)
    assert isinstance(nodes["layer"].dtype, pd.CategoricalDtype)
    return from_arrays(
        nodes["id"].to_numpy(), nodes["layer"].astype(str).to_numpy(),
        {k: nodes[k] for k in NUMBERS}, edges["source"], edges["target"],
        {k: edges[k].to_numpy() for k in ("active", "weight") if k in edges}, {},
    )  # fmt: skip


def read_igraph_of_tables(files: list[Path]) -> Graph:
    nodes, edges = map(pd.read_parquet, files)
    graph = igraph.Graph.DataFrame(edges, vertices=nodes, use_vids=True)
    return from_igraph(graph, named="id")


def read_networkx_of_tables(files: list[Path]) -> Graph:
    nodes, edges = map(pd.read_parquet, files)
    named = edges.assign(
        source=nodes["id"].to_numpy()[edges["source"]],
        target=nodes["id"].to_numpy()[edges["target"]],
    )
    graph = networkx.from_pandas_edgelist(named, edge_attr=True, create_using=networkx.DiGraph)
    data = nodes.astype({"layer": str}).set_index("id").to_dict("index")
    graph.add_nodes_from(data.items())
    return from_networkx(graph)


def read_node_link(files: list[Path]) -> Graph:
    def refused(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    data = json.loads(files[0].read_text(encoding="utf-8"), parse_constant=refused)
    return from_networkx(networkx.node_link_graph(data, edges="edges"))


def geometric() -> Any:
    with warnings.catch_warnings():  # of torch.jit, at its import
        warnings.simplefilter("ignore", DeprecationWarning)
        import torch_geometric.data

        return torch_geometric.data


def read_pyg(files: list[Path]) -> Graph:
    data = geometric().Data(**torch.load(files[0], weights_only=True))
    assert (
        data.validate()
        and (data.is_directed() or not data.num_edges)
        and data.num_nodes == len(data.layer)
    )
    numbers = {k: data["neuron" if k == "index" else k] for k in NUMBERS}
    layer = [data.layer_names[i] for i in data.layer]
    ids = [f"{name}:{int(i)}" for name, i in zip(layer, data.neuron, strict=True)]
    edges = {k: data[f"edge_{k}"] for k in ("active", "weight") if f"edge_{k}" in data}
    about = {k: data[k] for k in ("run", "run_id", "step", "epoch", "weights")}
    return from_arrays(ids, layer, numbers, *data.edge_index.tolist(), edges, about)


READERS: dict[str, list[Callable[[list[Path]], Graph]]] = {
    "graphml": [
        lambda files: from_networkx(networkx.read_graphml(files[0])),
        lambda files: from_igraph(igraph.Graph.Read_GraphML(str(files[0])), named="id"),
    ],
    "gexf": [lambda files: from_networkx(networkx.read_gexf(files[0]))],
    "networkx-json": [read_node_link],
    "npz": [read_npz],
    "parquet": [read_pandas, read_igraph_of_tables, read_networkx_of_tables],
    "pyg": [read_pyg],
}
EVERY = [(to, i) for to, readers in READERS.items() for i in range(len(readers))]


# -- networks ------------------------------------------------------------------------------------


def record(
    path: Path, layers: list[topolab.LayerSpec], *, weights: str, density: float = 0.3
) -> topolab.Run:
    rng = np.random.default_rng(4)
    with topolab.Recorder(path, layers=layers, seed=1) as recorder:
        for step in (0, 250, 500):
            masks = {k.name: rng.random(k.shape) < density for k in layers}
            values = {k.name: rng.normal(size=k.shape) for k in layers}
            if weights == "some":
                del values[layers[-1].name]
            if weights == "odd":
                first = values[layers[0].name].reshape(-1)
                first[:] = np.resize([0.0, -0.0, math.nan, math.inf, -math.inf, 1e-40, 3e38, 1 / 3],
                                     first.shape)  # fmt: skip
            recorder.record(step, masks, weights=None if weights == "none" else values)
    return topolab.open_run(path)


L = topolab.LayerSpec
MLP = [L("fc1", "linear", (9, 12)), L("fc2", "linear", (5, 9))]
#: A grouped convolution, and a layer that reads its flattened 2 x 3 maps.
CNN = [L("c.1", "conv", (4, 2, 3, 3)), L("c.2", "conv", (6, 2, 1, 2), groups=2),
       L("out", "linear", (3, 36))]  # fmt: skip
RESIDUAL = [L("a", "linear", (5, 4)), L("b", "linear", (5, 7))]
#: A layer of a skip that says which one it reads chains.
SKIP = [L("a", "linear", (5, 4)), L("b", "linear", (5, 5)), L("skip", "linear", (3, 5), source="a")]


def files_of(to: str, folder: Path) -> Path:
    return folder / f"graph{find('exporters', to).suffix}"


def test_every_format_has_a_reader_here() -> None:
    """A new exporter is tested by telling how its files are read."""
    assert set(READERS) == set(names("exporters"))


@pytest.mark.parametrize(("to", "reader"), EVERY)
@pytest.mark.parametrize("weights", ["none", "all", "some"])
@pytest.mark.parametrize("network", ["mlp", "cnn", "skip"])
def test_what_is_read_back_is_the_same_graph(
    to: str, reader: int, weights: str, network: str, tmp_path: Path
) -> None:
    run = record(tmp_path / "r", {"mlp": MLP, "cnn": CNN, "skip": SKIP}[network], weights=weights)
    files = topolab.export(run, files_of(to, tmp_path), to=to, step=250)
    found = READERS[to][reader](files)
    check(found, expected(run[1]), weights=weights != "none", null=to == "networkx-json")
    if found.about and to != "gexf":
        assert found.about["run"] == "r" and found.about["step"] == 250
        assert found.about["run_id"] == run.manifest["run_id"]
        assert found.about["weights"] == {
            "none": "not recorded", "all": "recorded", "some": "recorded for some layers"
        }[weights]  # fmt: skip


@pytest.mark.parametrize(("to", "reader"), EVERY)
def test_odd_weights_come_back(to: str, reader: int, tmp_path: Path) -> None:
    run = record(tmp_path / "r", MLP, weights="odd", density=0.9)
    found = READERS[to][reader](topolab.export(run, files_of(to, tmp_path), to=to))
    check(found, expected(run[-1]), weights=True, null=to == "networkx-json")


@pytest.mark.parametrize(("to", "reader"), EVERY)
def test_layers_that_do_not_chain(to: str, reader: int, tmp_path: Path) -> None:
    run = record(tmp_path / "r", RESIDUAL, weights="all")
    with pytest.raises(LayerError, match=r"layer b takes 7 inputs but a has 5 .*separate"):
        topolab.export(run, files_of(to, tmp_path), to=to)
    assert [p.name for p in tmp_path.iterdir()] == ["r"]
    files = topolab.export(run, files_of(to, tmp_path), to=to, separate=True)
    check(READERS[to][reader](files), expected(run[-1], separate=True), weights=True)


class TestEveryExporter(contract_of("exporters")):
    pass


@pytest.mark.parametrize("to", names("exporters"))
class TestReadBack:
    def test_without_any_edge(self, to: str, tmp_path: Path) -> None:
        run = record(tmp_path / "r", CNN, weights="all", density=0)
        for read in READERS[to]:
            found = read(export(run, files_of(to, tmp_path), to=to, force=True))
            assert not found.edges
            if read is not read_networkx_of_tables:  # which sees no node without an edge, but adds
                assert len(found.nodes) == 2 + 4 + 6 + 3

    def test_a_full_disk_leaves_what_was_there(self, to: str, tmp_path: Path) -> None:
        """No file may grow past some bytes: refused with a sentence, the older file untouched."""
        run = record(tmp_path / "r", [L("fc1", "linear", (90, 90))], weights="all")
        out = files_of(to, tmp_path)
        before = {p: p.read_bytes() for p in export(run, out, to=to, step="first")}
        script = (
            "import resource, signal, sys, topolab\n"
            "from topolab.registry import find; find('exporters', sys.argv[3])\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
            "try: topolab.export(sys.argv[1], sys.argv[2], to=sys.argv[3], force=True)\n"
            "except topolab.TopolabError as error: print('refused:', error)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(run.path), str(out), to],
            capture_output=True, text=True, check=True, timeout=1000,
        )  # fmt: skip
        assert done.stdout.startswith("refused:") and "could not be written" in done.stdout
        assert {p: p.read_bytes() for p in before} == before
        assert len(list(tmp_path.iterdir())) == len(before) + 1


# -- steps and files -----------------------------------------------------------------------------


def test_steps(tmp_path: Path, example_run: topolab.Run) -> None:
    def step_of(path: Path) -> int:
        return int(np.load(path)["about"].item().split('"step": ')[1].split(",")[0])

    for step, right in ((None, 30), ("last", 30), ("first", 0), (20, 20)):
        out = tmp_path / f"{step}.npz"
        assert topolab.export(example_run.path, out, to="npz", step=step) == [out]
        assert step_of(out) == right
    files = topolab.export(example_run, tmp_path / "all", to="npz", step="all")
    assert [p.name for p in files] == [f"s{s:07d}.npz" for s in (0, 10, 20, 30)]
    assert [step_of(p) for p in files] == [0, 10, 20, 30]
    last = tmp_path / "numpy.npz"
    assert export(example_run, last, to="npz", step=example_run.steps[-1]) == [last]
    assert step_of(last) == 30
    files = export(example_run, tmp_path / "numpys", to="npz", step=example_run.steps[1:])
    assert [step_of(p) for p in files] == [10, 20, 30]
    some = topolab.export(example_run, tmp_path / "some", to="parquet", step=[10, 30, 10])
    assert [p.name for p in some] == [
        "s0000010.nodes.parquet", "s0000010.edges.parquet",
        "s0000030.nodes.parquet", "s0000030.edges.parquet",
    ]  # fmt: skip
    with pytest.raises(RunError, match=r"no snapshot at step 11; the nearest are \[0, 10, 20\]"):
        topolab.export(example_run, tmp_path / "x.npz", to="npz", step=11)
    wrongs: list[Any] = ["middle", [], 2.5, [1.5], object()]
    for wrong in wrongs:
        with pytest.raises(ConfigError):
            topolab.export(example_run, tmp_path / "x.npz", to="npz", step=wrong)
    with pytest.raises(ConfigError, match="unknown export format 'dot'; there is gexf, graphml"):
        topolab.export(example_run, tmp_path / "x.dot", to="dot")
    topolab.Recorder(tmp_path / "empty", layers=MLP).close()
    with pytest.raises(RunError, match="no snapshots"):
        topolab.export(tmp_path / "empty", tmp_path / "x.npz", to="npz")


def test_nothing_is_overwritten_unasked(tmp_path: Path, example_run: topolab.Run) -> None:
    out = tmp_path / "x.parquet"
    edges = tmp_path / "x.edges.parquet"
    edges.write_text("mine")
    with pytest.raises(ConfigError, match=r"x\.edges\.parquet: is there already"):
        topolab.export(example_run, out, to="parquet")
    assert edges.read_text() == "mine" and not (tmp_path / "x.nodes.parquet").exists()
    assert len(topolab.export(example_run, out, to="parquet", force=True)) == 2
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "s0000020.npz").write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        topolab.export(example_run, tmp_path / "all", to="npz", step="all")
    assert len(list((tmp_path / "all").iterdir())) == 1
    (tmp_path / "folder.npz").mkdir()
    for wrong, message in (
        (tmp_path / "folder.npz", "is a folder"), (tmp_path / "x.graphml", "must end with .npz"),
        (tmp_path / ".npz", "must end with"),
        (example_run.path / "snapshots" / "x.npz", "lies inside the run"),
        (example_run.path / ".." / "example" / "x.npz", "lies inside the run"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=message):
            topolab.export(example_run, wrong, to="npz", force=True)
    assert example_run.verify().ok


def test_of_many_a_damaged_one_is_named_and_the_rest_is_written(
    tmp_path: Path, example_run: topolab.Run
) -> None:
    bad = sorted((example_run.path / "snapshots").iterdir())[1]
    bad.write_bytes(bad.read_bytes()[:-1])
    with pytest.raises(SnapshotError, match=bad.name):
        topolab.export(example_run, tmp_path / "x.npz", to="npz", step=10)
    assert not (tmp_path / "x.npz").exists()
    with pytest.raises(PartialFailure, match=rf"1 of 4 .*{bad.name}"):
        topolab.export(example_run, tmp_path / "all", to="npz", step="all")
    assert len(list((tmp_path / "all").iterdir())) == 3


def test_an_odd_name_is_written_so_that_it_can_be_read(tmp_path: Path) -> None:
    """The folder's name is the only free text in a file: quotes, tags, control characters."""
    run = record(tmp_path / 'a <b> & "c" \x07 \u00e9', MLP, weights="none")
    for to, readers in READERS.items():
        for read in readers:
            found = read(topolab.export(run, files_of(to, tmp_path), to=to, force=True))
            assert len(found.edges) == sum(run[-1].nnz(k.name) for k in MLP)
            if "run" in found.about:
                assert found.about["run"].replace("?", "\x07") == run.name


def test_a_batch_of_graphs_in_pytorch_geometric(tmp_path: Path, example_run: topolab.Run) -> None:
    """Joined graphs keep their neurons' numbers, and their edges lead to their own neurons."""
    files = topolab.export(example_run, tmp_path / "all", to="pyg", step="all")
    graphs = [geometric().Data(**torch.load(p, weights_only=True)) for p in files]
    batch = geometric().Batch.from_data_list(graphs)
    assert batch.num_nodes == 4 * 80 and batch.neuron[80:160].tolist() == graphs[1].neuron.tolist()
    assert int(batch.edge_index[:, : graphs[0].num_edges].max()) < 80
    assert (batch.edge_index.max(), batch.num_edges) == (319, sum(g.num_edges for g in graphs))
    assert "index" not in graphs[0] and "edge_weight" not in graphs[0]


# -- one vocabulary ------------------------------------------------------------------------------


def read_arrays(graph: topolab.LayeredGraph) -> Graph:
    source, target, _ = graph.edges
    return from_arrays(
        graph.ids, graph.neuron_layers, graph.neuron_attributes(), source, target,
        graph.edge_attributes(), dict(graph.about),
    )  # fmt: skip


def read_scipy(graph: topolab.LayeredGraph) -> Graph:
    """Neurons are the arrays' here, as a matrix says nothing of them; edges are the matrix'."""
    edges: dict[tuple[str, str], dict[str, Any]] = {}
    for name in graph.edge_attributes():
        matrix = graph.to_scipy(name).tocoo()  # type: ignore[arg-type]
        for a, b, value in zip(matrix.row, matrix.col, matrix.data, strict=True):
            edges.setdefault((graph.ids[a], graph.ids[b]), {})[name] = value.item()
    return Graph(read_arrays(graph).nodes, edges, dict(graph.about))


def read_networkx(graph: topolab.LayeredGraph) -> Graph:
    made = graph.to_networkx()
    assert list(made) == list(range(graph.n_neurons))
    named = networkx.relabel_nodes(made, {i: data["id"] for i, data in made.nodes(data=True)})
    assert all(len(data) == 2 + len(NUMBERS) for _, data in made.nodes(data=True))
    return from_networkx(named)


def read_door_of_graphml(graph: topolab.LayeredGraph, folder: Path) -> Graph:
    graph.write_graphml(folder / "door.graphml")
    return from_networkx(networkx.read_graphml(folder / "door.graphml"))


@pytest.mark.parametrize("weights", ["none", "all", "some", "odd"])
@pytest.mark.parametrize("network", ["mlp", "cnn", "skip"])
def test_every_door_says_the_same_in_the_same_words(
    weights: str, network: str, tmp_path: Path
) -> None:
    """Arrays, scipy, igraph, networkx, GraphML and every exporter: one graph, one vocabulary."""
    run = record(tmp_path / "r", {"mlp": MLP, "cnn": CNN, "skip": SKIP}[network], weights=weights)
    about = {"run": run.name, "run_id": run.manifest["run_id"]}
    graph = topolab.LayeredGraph.from_snapshot(run[-1], about=about)
    doors = {
        "arrays": read_arrays(graph), "scipy": read_scipy(graph), "networkx": read_networkx(graph),
        "igraph": from_igraph(graph.to_igraph(), named="id"),
        "write_graphml": read_door_of_graphml(graph, tmp_path),
    }  # fmt: skip
    for to, readers in READERS.items():
        files = topolab.export(run, files_of(to, tmp_path), to=to)
        doors |= {f"{to} {i}": read(files) for i, read in enumerate(readers)}
    right = expected(run[-1])
    for door, found in doors.items():
        check(found, right, weights=weights != "none", null=door.startswith("networkx-json"))
        if found.about and not door.startswith("gexf"):
            said = {
                k: v for k, v in found.about.items() if k not in ("node_default", "edge_default")
            }
            assert said.keys() == dict(graph.about).keys(), door
            assert said["weights"] == graph.about["weights"]
    assert len(doors) == 5 + len(EVERY)
    assert (tmp_path / "door.graphml").read_bytes() == files_of("graphml", tmp_path).read_bytes()


def test_a_matrix_of_weights_needs_weights(example_run: topolab.Run) -> None:
    graph = topolab.LayeredGraph.from_snapshot(example_run[0])
    assert graph.weight is None and graph.about["weights"] == "not recorded"
    with pytest.raises(LayerError, match="no weights were recorded"):
        graph.to_scipy("weight")
    with pytest.raises(LayerError, match="'strength' is none of active, weight"):
        graph.to_scipy("strength")  # type: ignore[arg-type]


def test_a_weight_of_zero_is_an_edge(tmp_path: Path) -> None:
    with topolab.Recorder(tmp_path / "r", layers=[L("fc", "linear", (1, 2))]) as recorder:
        recorder.record(0, {"fc": [[1, 1]]}, weights={"fc": np.array([[0.0, 2.0]])})
    graph = topolab.LayeredGraph.from_snapshot(topolab.open_run(tmp_path / "r")[0])
    matrix = graph.to_scipy("weight")
    assert matrix.nnz == graph.n_edges == 2 and matrix.data.tolist() == [0.0, 2.0]
    assert graph.degrees("in").tolist() == [0, 0, 2]
