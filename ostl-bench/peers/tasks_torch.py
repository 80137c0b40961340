"""A configuration of configs/ in PyTorch: the same network, data, updates and figures, by backpropagation through time.

    python ostl-bench/peers/tasks_torch.py NAME DIR [--epochs N] [--seed S]

reads configs/NAME.toml and the data in DIR, as `ostl train configs/NAME.toml --data DIR` does. The gradient is that of whole
sequences; of texts, that of the steps between two updates, with the state carried on and nothing else. Prints a JSON line an epoch
and one at the end. Starting weights, order of sequences, dropout masks and the spikes of MNIST are PyTorch's own draws.
"""

import argparse
import copy
import itertools
import json
import math
import time
import tomllib
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy, log_softmax

from torch_cells import Embedding, Network, detached
from torch_data import NO_TARGET, open_task

ROOT = Path(__file__).resolve().parents[2]


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", metavar="NAME", help="a file of configs/, without .toml")
    parser.add_argument("folder", metavar="DIR", help="the folder of the data, as for ostl --data")
    parser.add_argument("--epochs", type=int, help="instead of the configuration's; the schedule stays as it is")
    parser.add_argument("--seed", type=int, help="of weights, order and dropout [default: the configuration's, or 0]")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--features", metavar="FOLDER", help="fsdd: where the features lie, or are put if there are none")
    parser.add_argument("--ostl", default=ROOT / "target/release/ostl", help="fsdd: the program that makes the features")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting as for ostl, e.g. task.limit=1000")
    parser.add_argument("--batches", type=int, help="end every pass over a split after so many batches, to try things out")
    return parser.parse_args()


def configuration(name, settings):
    """configs/NAME.toml with some settings changed."""
    config = tomllib.loads((ROOT / "configs" / f"{name}.toml").read_text())
    for setting in settings:
        path, value = setting.split("=", 1)
        *tables, key = path.split(".")
        table = config
        for step in tables:
            table = table[int(step)] if isinstance(table, list) else table.setdefault(step, {})
        try:
            table[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            # A text needs no quotes.
            table[key] = value
    return config


class Optimizer:
    """Adam after clipping of the global norm, at the scheduled rate. Embeddings are updated where tokens touched them."""

    def __init__(self, settings, network):
        settings = {"schedule": {"kind": "constant"}, "schedule_every": "epoch"} | settings
        if settings["rule"] != "adam":
            raise SystemExit(f"no rule {settings['rule']!r} here")
        self.rate, self.schedule, self.limit = settings["learning_rate"], settings["schedule"], settings.get("clip_norm")
        self.every_batch = settings["schedule_every"] == "batch"
        tables = [parameter for layer in network.layers if isinstance(layer, Embedding) for parameter in layer.parameters()]
        is_table = {id(table) for table in tables}
        others = [p for p in network.parameters() if p.requires_grad and id(p) not in is_table]
        betas, eps = (settings.get("beta1", 0.9), settings.get("beta2", 0.999)), settings.get("epsilon", 1e-8)
        self.rules = [torch.optim.Adam(others, betas=betas, eps=eps, fused=True)]
        self.sparse = torch.optim.SparseAdam(tables, betas=betas, eps=eps) if tables else None
        if tables:
            self.rules.append(self.sparse)
        self.parameters, self.updates = others + tables, 0

    def follow_schedule(self, epochs, part, parts):
        """Sets the rate after so many epochs and so many parts of the next."""
        done = epochs + (part / parts if self.every_batch else 0)
        kind, total, minimum = (self.schedule.get(key, 0) for key in ("kind", "total", "minimum"))
        if kind == "cosine":
            factor = minimum + (1 - minimum) * 0.5 * (1 + math.cos(math.pi * min(done / total, 1)))
        elif kind == "constant":
            factor = 1.0
        else:
            raise SystemExit(f"no schedule {kind!r} here")
        for group in (group for rule in self.rules for group in rule.param_groups):
            group["lr"] = self.rate * factor

    def step(self, loss):
        """One update along the gradient of the mean loss at a target."""
        for rule in self.rules:
            rule.zero_grad()
        loss.backward()
        if self.limit is not None:
            for parameter in self.parameters:
                # One entry a token that was there, however often.
                parameter.grad = parameter.grad.coalesce() if parameter.grad.is_sparse else parameter.grad
            values = [p.grad.values() if p.grad.is_sparse else p.grad for p in self.parameters]
            norm = torch.stack([value.norm() for value in values]).norm()
            if norm > self.limit:
                torch._foreach_mul_(values, self.limit / norm)
        self.updates += 1
        if self.sparse:
            # SparseAdam adds epsilon before the second moment's bias is corrected, Adam after it.
            group = self.sparse.param_groups[0]
            group["eps"] = self.sparse.defaults["eps"] * math.sqrt(1 - group["betas"][1] ** self.updates)
        for rule in self.rules:
            rule.step()


def train(network, task, optimizer, order, batches, epochs):
    """The epoch after so many. Returns the mean loss at a target."""
    network.train()
    total, count, states, parts = 0.0, 0, None, task.count("train")
    for part, (x, targets) in enumerate(itertools.islice(task.parts("train", order), batches)):
        optimizer.follow_schedule(epochs, part, parts)
        logits, after = network(x, states, len(targets))
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=NO_TARGET)
        optimizer.step(loss)
        states = detached(after) if task.carries else None
        here = int((targets != NO_TARGET).sum())
        total, count = total + here * loss.item(), count + here
    return total / count


@torch.no_grad()
def evaluate(network, task, split, batches):
    """The figures of a split, as ostl-tasks/src/metric.rs defines them."""
    network.eval()
    total, count, correct, sequences, right, states = 0.0, 0, 0, 0, 0, None
    for x, targets in itertools.islice(task.parts(split), batches):
        logits, after = network(x, states, len(targets))
        states = after if task.carries else None
        there = targets != NO_TARGET
        total += cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=NO_TARGET, reduction="sum").item()
        count += int(there.sum())
        correct += int((logits.argmax(-1) == targets).sum())
        if "sequence-accuracy" in task.figures:
            # The class with the largest product of probabilities over the steps with a target.
            said = (log_softmax(logits.double(), -1) * there[:, :, None]).sum(0).argmax(-1)
            right += int((said == targets.max(0).values).sum())
            sequences += len(said)
    loss = total / count
    own = {
        "perplexity": lambda: math.exp(loss),
        "bits-per-character": lambda: loss / math.log(2),
        "sequence-accuracy": lambda: right / sequences,
    }
    return {"loss": loss, "accuracy": correct / count} | {figure: own[figure]() for figure in task.figures}


def main():
    args = options()
    torch.set_num_threads(args.threads)
    config = configuration(args.name, args.set)
    seed = config.get("seed", 0) if args.seed is None else args.seed
    torch.manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    task = open_task(config, args.folder, args.features, args.ostl)
    network = Network(config, task.inputs, task.outputs)
    optimizer = Optimizer(config["optimizer"], network)
    epochs, by = args.epochs or config["training"]["epochs"], config["training"].get("best", "loss")

    best, best_epoch, best_weights, train_seconds = None, None, None, 0.0
    start = time.perf_counter()
    for epoch in range(1, epochs + 1):
        began = time.perf_counter()
        loss = train(network, task, optimizer, order, args.batches, epoch - 1)
        learned = time.perf_counter() - began
        train_seconds += learned
        valid = evaluate(network, task, "valid", args.batches)
        if best is None or (valid[by] > best[by] if "accuracy" in by else valid[by] < best[by]):
            best, best_epoch, best_weights = valid, epoch, copy.deepcopy(network.state_dict())
        seconds = time.perf_counter() - began
        row = {"epoch": epoch, "train_loss": loss, "valid": valid}
        print(json.dumps(row | {"train_seconds": round(learned, 3), "seconds": round(seconds, 3)}), flush=True)

    network.load_state_dict(best_weights)
    test = evaluate(network, task, "test", args.batches) if task.has_test else None
    row = {"task": args.name, "seed": seed, "epochs": epochs, "best_epoch": best_epoch, "valid": best, "test": test}
    row |= {"seconds": round(time.perf_counter() - start, 3), "seconds_per_epoch": round(train_seconds / epochs, 3)}
    row |= {"parameters": network.parameter_count(), "torch": torch.__version__, "threads": args.threads}
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
