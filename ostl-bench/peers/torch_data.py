"""The data of the tasks in PyTorch: the files, splits, targets and figures of ostl-tasks.

A task has `inputs`, `outputs`, `figures` (beside loss and accuracy), `has_test`, `carries` (whether a part goes on where the last
one ended), and `parts(split, order)`: what is shown at once, (x, targets). x is (steps, streams, inputs), or the numbers of tokens
(steps, streams). targets is (last so many steps, streams); -100 is no target.
"""

import gzip
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

NO_TARGET = -100
SPLITS = ("train", "valid", "test")


def find(folder, subfolders, name):
    """A file, packed or not, in a folder or the first of its subfolders that has it."""
    for place in [folder, *(folder / sub for sub in subfolders)]:
        for path in (place / name, place / f"{name}.gz"):
            if path.exists():
                return path
    raise SystemExit(f"{name} is neither in {folder} nor in its subfolders {', '.join(subfolders)}")


def unpacked(path):
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def known(settings, *keys):
    """Refuses settings that this script would pass over in silence."""
    if unknown := settings.keys() - {"name", *keys}:
        raise SystemExit(f"[task] has settings that are not known here: {', '.join(sorted(unknown))}")


class Text:
    """A text as streams side by side, some steps at a time; each token but the first of a split is a target once."""

    carries = True

    def __init__(self, splits, classes, figures, streams, steps):
        self.splits = {split: self.cut(tokens, streams) for split, tokens in splits.items()}
        self.inputs = self.outputs = classes
        self.figures, self.steps, self.has_test = figures, steps, "test" in splits

    @staticmethod
    def cut(tokens, streams):
        """Inputs and targets (steps, streams). Streams differ in length by at most a step, the longest first."""
        length, longer = divmod(len(tokens) - 1, streams)
        starts = [i * length + min(i, longer) for i in range(streams + 1)]
        tokens = torch.as_tensor(tokens)
        inputs, targets = ([tokens[a + by : b + by] for a, b in zip(starts, starts[1:])] for by in (0, 1))
        return pad_sequence(inputs), pad_sequence(targets, padding_value=NO_TARGET)

    def count(self, split):
        return -(-len(self.splits[split][0]) // self.steps)

    def parts(self, split, order=None):
        return zip(*(both.split(self.steps) for both in self.splits[split]))


def characters(settings, folder, steps):
    known(settings, "valid", "streams", "stretch")
    text = unpacked(find(folder, ["tinyshakespeare", "tiny-shakespeare"], "input.txt")).decode()
    end = int(len(text) * (1 - settings.get("valid", 0.1)) + 1e-6)
    numbers = {character: number for number, character in enumerate(dict.fromkeys(text[:end]))}
    tokens = np.array([numbers.get(character, len(numbers)) for character in text])
    # No test split: the valid split is all there is to measure on.
    splits = {"train": tokens[:end], "valid": tokens[end:]}
    return Text(splits, int(tokens.max()) + 1, ["bits-per-character"], settings.get("streams", 32), steps)


def words(settings, folder, steps):
    known(settings, "streams", "stretch", "limit")

    def read(split):
        path = find(folder, ["wikitext-2", "ptb", "penn-treebank", "penn", "wikitext-103"], f"wiki.{split}.tokens")
        lines = unpacked(path).decode().removesuffix("\n").split("\n")
        return [word for line in lines for word in [*line.split(), "<eos>"]]

    texts = {split: read(split) for split in SPLITS}
    numbers = {word: number for number, word in enumerate(dict.fromkeys([*texts["train"], "<eos>", "<unk>"]))}
    unknown = numbers["<unk>"]
    splits = {split: np.array([numbers.get(word, unknown) for word in text]) for split, text in texts.items()}
    # All words of the train split are known, however few are learned from.
    splits["train"] = splits["train"][: settings.get("limit")]
    return Text(splits, len(numbers), ["perplexity"], settings.get("streams", 32), steps)


class Labelled:
    """Sequences of one class each, so many at once. `shown(split, index)` is a sequence, (steps, inputs)."""

    carries, has_test = False, True

    def __init__(self, classes, inputs, batch, shown, every=True, by_sequence=True):
        self.classes = {split: torch.as_tensor(of, dtype=torch.long) for split, of in classes.items()}
        self.inputs, self.outputs, self.batch, self.shown, self.every = inputs, 10, batch, shown, every
        self.figures = ["sequence-accuracy"] if by_sequence else []

    def count(self, split):
        return -(-len(self.classes[split]) // self.batch)

    def parts(self, split, order=None):
        """All sequences as they are numbered, or in an order drawn from a generator."""
        count = len(self.classes[split])
        numbers = torch.arange(count) if order is None else torch.randperm(count, generator=order)
        for chosen in numbers.split(self.batch):
            sequences = [self.shown(split, index) for index in chosen.tolist()]
            lengths = torch.tensor([len(sequence) for sequence in sequences])
            # Sequences end at different steps and are padded; what comes after an end has no target.
            x, classes = pad_sequence(sequences).float(), self.classes[split][chosen]
            if self.every:
                there = torch.arange(len(x))[:, None] < lengths
                yield x, torch.where(there, classes, NO_TARGET)
            else:
                assert (lengths == len(x)).all(), "a target at the end alone needs sequences of one length"
                yield x, classes[None]


def mnist(settings, folder, batch):
    known(settings, "form", "steps", "gain", "pool", "valid", "limit", "targets", "seed")

    def read(name, kind):
        path = find(folder, ["mnist", "MNIST/raw"], f"{name}-{kind}-ubyte")
        data = unpacked(path)
        shape = np.frombuffer(data, ">u4", data[3], 4)
        return torch.from_numpy(np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape).copy())

    images, classes = ({part: read(part, kind) for part in ("train", "t10k")} for kind in ("images-idx3", "labels-idx1"))
    end = len(images["train"]) - settings.get("valid", 5000)
    first = min(end, settings.get("limit", end))
    images, classes = (
        {"train": of["train"][:first], "valid": of["train"][end:], "test": of["t10k"]} for of in (images, classes)
    )
    form, steps = settings.get("form", "rate"), settings.get("steps", 20)
    gain, seed = settings.get("gain", 1.0), settings.get("seed", 1)
    generator = torch.Generator()

    def rate(split, index):
        # As in ostl, an image fires alike whenever it is shown: spikes follow from (seed, split, index).
        generator.manual_seed((seed << 40) + (SPLITS.index(split) << 32) + index)
        bright = (images[split][index].flatten() * (gain / 255)).clamp(max=1)
        return torch.rand(steps, 784, generator=generator) < bright

    def means(split, index):
        runs = images[split][index].reshape(-1, settings.get("pool", 8))
        return runs.sum(1, keepdim=True) / (255 * runs.shape[1])

    forms = {
        "rate": (784, rate),
        "rows": (28, lambda split, index: images[split][index] / 255),
        "pixels": (1, lambda split, index: images[split][index].reshape(784, 1) / 255),
        "means": (1, means),
    }
    inputs, shown = forms[form]
    every = settings.get("targets", "every" if form == "rate" else "last") == "every"
    return Labelled(classes, inputs, batch, shown, every, by_sequence=form == "rate")


def nmnist(settings, folder, batch):
    known(settings, "bin", "targets")
    width, side, clock = round(1000 * settings["bin"]["width_ms"]), 34, 1 << 13
    subfolders = ["n-mnist", "N-MNIST", "nmnist", "NMNIST", "nmnist-small", "NMNISTsmall"]
    lists = [find(folder, subfolders, name) for name in ("train1K.txt", "test100.txt")]

    def listed(path):
        return [tuple(map(int, line.split())) for line in path.read_text().splitlines() if line and line[0] != "#"]

    def steps_and_channels(number):
        events = np.frombuffer((lists[0].parent / "events" / f"{number}.bs2").read_bytes(), np.uint8).reshape(-1, 5)
        events = events.astype(np.int64)
        wraps = events[:, 1] == 240
        time = np.cumsum(wraps) * clock + ((events[:, 2] & 127) << 16 | events[:, 3] << 8 | events[:, 4])
        channel = ((events[:, 2] >> 7) * side + events[:, 1]) * side + events[:, 0]
        return torch.from_numpy(np.stack([time // width, channel])[:, ~wraps])

    train, test = map(listed, lists)
    end = len(train) - max(len(train) // 10, 1)
    splits = {"train": train[:end], "valid": train[end:], "test": test}
    events = {split: [steps_and_channels(number) for number, _ in of] for split, of in splits.items()}

    def shown(split, index):
        step, channel = events[split][index]
        x = torch.zeros(int(step.max()) + 1, 2 * side * side)
        x[step, channel] = 1
        return x

    classes = {split: [digit for _, digit in of] for split, of in splits.items()}
    return Labelled(classes, 2 * side * side, batch, shown, every=settings.get("targets", "every") == "every")


def own(folder, batch, every):
    """The splits as `ostl data make` writes them, one digit a sequence."""

    def read(split):
        with np.load(Path(folder) / f"{split}.npz") as arrays:
            inputs, targets = arrays["inputs"], arrays["targets"]
            lengths = arrays["lengths"] if "lengths" in arrays else [inputs.shape[1]] * len(inputs)
        # Events take a byte each; they become numbers in their batch.
        inputs = inputs.astype(bool) if ((inputs == 0) | (inputs == 1)).all() else inputs
        digits = targets[:, 0] if targets.ndim == 2 else targets
        return [torch.from_numpy(x[:length].copy()) for x, length in zip(inputs, lengths)], digits

    splits = {split: read(split) for split in SPLITS}
    classes = {split: digits for split, (_, digits) in splits.items()}
    inputs = splits["train"][0][0].shape[1]
    return Labelled(classes, inputs, batch, lambda split, index: splits[split][0][index], every)


def flat(table, before=""):
    """The settings of a table as KEY=VALUE."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}={value}"


def fsdd(settings, folder, batch, features, ostl):
    """ostl's own front end makes the features, so that nothing but the network differs."""
    every = settings.get("targets", "every") == "every"
    if features and (Path(features) / "test.npz").exists():
        return own(features, batch, every)
    with tempfile.TemporaryDirectory() as made:
        out = features or made
        asked = [part for text in flat({key: value for key, value in settings.items() if key != "name"}) for part in ("--set", text)]
        command = [str(ostl), "data", "make", "fsdd", "--data", str(folder), "--out", out, *asked]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}\nbuild ostl (cargo build --release), or give --features FOLDER")
        return own(out, batch, every)


def open_task(config, folder, features, ostl):
    """The task of a configuration."""
    settings, method, folder = config["task"], config["method"], Path(folder)
    batch = config["training"].get("batch")
    name = settings["name"]
    if name in ("characters", "words"):
        # Between two updates, or where the window ends and nothing is carried on but the state.
        stretch = settings.get("stretch", 200)
        steps = method["window"] if method["update"] == "window" else stretch
        return {"characters": characters, "words": words}[name](settings, folder, steps)
    if method["update"] != "sequence":
        raise SystemExit("the tasks of whole sequences are compared with an update a sequence only")
    if name == "fsdd":
        return fsdd(settings, folder, batch, features, ostl)
    if name not in ("mnist", "n-mnist"):
        raise SystemExit(f"the task {name} is not known here")
    return {"mnist": mnist, "n-mnist": nmnist}[name](settings, folder, batch)
