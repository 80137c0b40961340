"""Golden vectors for the LSTM, GRU and tanh RNN of ostl-cells, made by PyTorch in double precision.

    python ostl-bench/peers/golden_torch.py [FOLDER]      (default: ostl-cells/tests/golden)

Writes one JSON file a cell: a recurrent layer of N units, a linear readout, and the softmax cross-entropy summed over all
steps and streams, with every output and every gradient. The blocks are laid out as ostl-core lays them out:

    W  rows gate by gate (row g*N + i is gate g of unit i, counting the gates that sum the inputs), a column an input
    H  likewise for the gates that sum the previous outputs, a column a unit
    b  one value a row, for the gates that have a constant

PyTorch has two biases where one is enough. Their sum is the one here, and the gradient of either is its gradient. The GRU's
candidate is the exception: the reset gate stands between its two, so they are the constants of two gates.
"""

import json
import sys
from pathlib import Path

import torch
from torch import nn

INPUTS, UNITS, OUTPUTS, STEPS, STREAMS = 3, 4, 3, 6, 2


def split(rows):
    """The gates of a PyTorch parameter, one block of UNITS rows each."""
    return torch.split(rows, UNITS)


def one_bias_each(w, h, b_ih, b_hh, is_gradient):
    """W, H, b of a cell whose gates each sum inputs, outputs and a constant (RNN, LSTM: the same order as ours)."""
    return {"W": w, "H": h, "b": b_ih if is_gradient else b_ih + b_hh}


def gru_blocks(w, h, b_ih, b_hh, is_gradient):
    """From PyTorch's reset, update, candidate to our candidate, reset, update and memory."""
    (w_r, w_z, w_n), (h_r, h_z, h_n) = split(w), split(h)
    b = b_ih if is_gradient else b_ih + b_hh
    b_r, b_z, _ = split(b)
    return {
        "W": torch.cat([w_n, w_r, w_z]),
        "H": torch.cat([h_r, h_z, h_n]),
        "b": torch.cat([split(b_ih)[2], b_r, b_z, split(b_hh)[2]]),
    }


def golden(cell, layer, blocks):
    """One case: parameters, data, outputs, loss and gradients, as nested lists."""
    readout = nn.Linear(UNITS, OUTPUTS)
    inputs = torch.randn(STEPS, STREAMS, INPUTS)
    classes = torch.randint(OUTPUTS, (STEPS, STREAMS))
    parameters = [layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0]

    y, _ = layer(inputs)
    logits = readout(y)
    loss = nn.functional.cross_entropy(logits.reshape(-1, OUTPUTS), classes.reshape(-1), reduction="sum")
    loss.backward()

    def named(of, is_gradient):
        tensors = blocks(*map(of, parameters), is_gradient)
        tensors |= {"readout_W": of(readout.weight), "readout_b": of(readout.bias)}
        return {name: tensor.tolist() for name, tensor in tensors.items()}

    return {
        "cell": cell,
        "inputs": inputs.tolist(),
        "classes": classes.tolist(),
        "parameters": named(lambda p: p.detach(), False),
        "y": y.tolist(),
        "logits": logits.tolist(),
        "loss": loss.item(),
        "gradient": named(lambda p: p.grad, True),
    }


def text(value, indent=0):
    """JSON with one innermost list a line. Python writes a double with as many digits as tell it from all others."""
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        entries = [f"{pad}{json.dumps(key)}: {text(entry, indent + 1)}" for key, entry in value.items()]
        return "{\n" + ",\n".join(entries) + "\n" + " " * indent + "}"
    if isinstance(value, list) and isinstance(value[0], list):
        return "[\n" + ",\n".join(pad + text(entry, indent + 1) for entry in value) + "\n" + " " * indent + "]"
    return json.dumps(value)


def main():
    default = Path(__file__).resolve().parents[2] / "ostl-cells" / "tests" / "golden"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_default_dtype(torch.float64)
    cells = {"rnn": (nn.RNN, one_bias_each), "lstm": (nn.LSTM, one_bias_each), "gru": (nn.GRU, gru_blocks)}
    for seed, (cell, (layer, blocks)) in enumerate(cells.items()):
        torch.manual_seed(seed)
        path = folder / f"{cell}.json"
        path.write_text(text(golden(cell, layer(INPUTS, UNITS), blocks)) + "\n")
        print(f"{path} written, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
