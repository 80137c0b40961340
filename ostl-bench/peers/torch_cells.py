"""The layers of a configuration in PyTorch: equations, defaults and starting weights as ostl-cells and ostl-core have them.

A layer maps what it reads (steps, streams, inputs) and its state (None: at rest) to what it answers (steps, streams, units)
and its next state. `start` is the [initialization] section: how W and H are drawn.
"""

import math

import torch
from torch import nn

GOLDEN = 0.6180339887498949


def draw(weights, units, kind):
    """Draws a block of matrices of `units` rows each, one a gate."""
    with torch.no_grad():
        for matrix in weights.split(units):
            if kind == "glorot":
                nn.init.xavier_uniform_(matrix)
            elif kind == "orthogonal":
                nn.init.orthogonal_(matrix)
            elif kind == "uniform":
                matrix.uniform_(-1 / math.sqrt(units), 1 / math.sqrt(units))
            else:
                raise ValueError(f"no initialization {kind!r} here")


def weights(gates, units, columns, kind):
    parameter = nn.Parameter(torch.empty(gates * units, columns))
    draw(parameter, units, kind)
    return parameter


PSEUDO_DERIVATIVES = {
    "tanh": lambda v: 1 - v.tanh() ** 2,
    "fast-sigmoid": lambda v: 1 / (1 + v.abs()) ** 2,
    "triangle": lambda v: 0.3 * (1 - v.abs()).clamp(min=0),
    "arctan": lambda v: 1 / (1 + (math.pi * v) ** 2),
    "sigmoid": lambda v: v.sigmoid() * (1 - v.sigmoid()),
}


class Spike(torch.autograd.Function):
    """1 above 0, else 0, with a pseudo-derivative."""

    @staticmethod
    def forward(ctx, v, kind):
        ctx.save_for_backward(v)
        ctx.kind = kind
        return (v > 0).to(v.dtype)

    @staticmethod
    def backward(ctx, grad):
        (v,) = ctx.saved_tensors
        return grad * PSEUDO_DERIVATIVES[ctx.kind](v), None


class Scan(torch.autograd.Function):
    """s_t = factor * s_{t-1} + u_t, real or complex: backpropagation through time with the two loops written out.

    `u` is (steps, streams, units), `factor` (units) or a number in a tensor, `rest` s before the first step.
    """

    @staticmethod
    def forward(ctx, factor, u, rest):
        s, last = torch.empty_like(u), rest
        for now, entering in zip(s, u):
            last = torch.addcmul(entering, factor, last, out=now)
        ctx.save_for_backward(factor, s, rest)
        return s

    @staticmethod
    def backward(ctx, grad):
        factor, s, rest = ctx.saved_tensors
        g, last, turned = torch.empty_like(s), torch.zeros_like(rest), factor.conj().resolve_conj()
        for now, entering in zip(reversed(g.unbind()), reversed(grad.unbind())):
            last = torch.addcmul(entering, turned, last, out=now)
        by_factor = None
        if ctx.needs_input_grad[0]:
            before = torch.cat([rest[None], s[:-1]])
            by_factor = torch.linalg.vecdot(before, g, dim=0).sum(0)
        return by_factor, g, turned * last if ctx.needs_input_grad[2] else None


class Snu(nn.Module):
    """The spiking neural unit, s = W x + H y' + d s' (1 - y'), y = step(s + b); soft: y = sigmoid(s + b).

    The reset is differentiated like everything else, y' by its pseudo-derivative.
    """

    def __init__(self, inputs, units, start, soft=False, recurrent=True, decay=0.8, initial_bias=None, pseudo_derivative="tanh"):
        super().__init__()
        self.units, self.soft, self.decay, self.kind = units, soft, decay, pseudo_derivative
        self.w = weights(1, units, inputs, start["input"])
        self.h = weights(1, units, units, start["recurrent"]) if recurrent else None
        bias = (0.0 if soft else -0.5) if initial_bias is None else initial_bias
        self.bias = nn.Parameter(torch.full((units,), bias))

    def forward(self, x, state):
        s, y = state or (x.new_zeros(x.shape[1], self.units),) * 2
        ys = []
        # The product with W does not wait for the past: one for all steps. The loop keeps what must be in order.
        for current in (x @ self.w.t()).unbind():
            s = torch.addcmul(current, s, 1 - y, value=self.decay)
            if self.h is not None:
                s = torch.addmm(s, y, self.h.t())
            y = torch.sigmoid(s + self.bias) if self.soft else Spike.apply(s + self.bias, self.kind)
            ys.append(y)
        return torch.stack(ys), (s, y)


class Lstm(nn.Module):
    """PyTorch's LSTM with one of its two biases held at 0: ostl has one."""

    def __init__(self, inputs, units, start, forget_bias=1.0):
        super().__init__()
        self.layer = nn.LSTM(inputs, units)
        draw(self.layer.weight_ih_l0, units, start["input"])
        draw(self.layer.weight_hh_l0, units, start["recurrent"])
        nn.init.zeros_(self.layer.bias_ih_l0)
        nn.init.zeros_(self.layer.bias_hh_l0).requires_grad_(False)
        with torch.no_grad():
            self.layer.bias_ih_l0[units : 2 * units] = forget_bias

    def forward(self, x, state):
        return self.layer(x, state)


class Lru(nn.Module):
    """The linear recurrent unit, s = exp(-exp nu + i exp theta) s' + exp(gamma) (a + i b), y = Re s; a and b are sums of x."""

    def __init__(self, inputs, units, start, r_min=0.0, r_max=1.0, max_phase=math.tau):
        super().__init__()
        self.w = weights(2, units, inputs, start["input"])
        unit = torch.arange(units, dtype=torch.float64) + 0.5
        square = (r_min**2 + unit / units * (r_max**2 - r_min**2)).clamp(1e-12, 1 - 1e-12)
        self.nu = nn.Parameter((-0.5 * square.log()).log().float())
        self.theta = nn.Parameter((max_phase * (unit * GOLDEN).frac()).log().float())
        self.gamma = nn.Parameter((0.5 * (1 - square).log()).float())

    def forward(self, x, state):
        factor = torch.polar((-self.nu.exp()).exp(), self.theta.exp())
        real, imaginary = (x @ (self.w * self.gamma.exp().repeat(2)[:, None]).t()).chunk(2, dim=-1)
        u = torch.complex(real, imaginary)
        s = Scan.apply(factor, u, torch.zeros_like(u[0]) if state is None else state)
        return s.real, s[-1]


class Li(nn.Module):
    """The leaky integrator, y = decay y' + W x + b."""

    def __init__(self, inputs, units, start, decay=0.9):
        super().__init__()
        self.dense = Dense(inputs, units, start)
        self.decay = torch.tensor(decay)

    def forward(self, x, state):
        u, _ = self.dense(x, None)
        y = Scan.apply(self.decay, u, torch.zeros_like(u[0]) if state is None else state)
        return y, y[-1]


class Dense(nn.Module):
    """A stateless layer."""

    ACTIVATIONS = {"identity": nn.Identity, "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}

    def __init__(self, inputs, units, start, dense="identity"):
        super().__init__()
        self.w = weights(1, units, inputs, start["input"])
        self.b = nn.Parameter(torch.zeros(units))
        self.activation = self.ACTIVATIONS[dense]()

    def forward(self, x, state):
        return self.activation(nn.functional.linear(x, self.w, self.b)), None


class Embedding(nn.Module):
    """A vector a token; those that no token touched get no gradient, and SparseAdam leaves them alone, as ostl does."""

    def __init__(self, inputs, units, start, embedding=True):
        super().__init__()
        self.table = nn.Embedding(inputs, units, sparse=True)
        limit = math.sqrt(3 / units)
        nn.init.uniform_(self.table.weight, -limit, limit)

    def forward(self, x, state):
        return self.table(x), None


CELLS = {"snu": Snu, "ssnu": lambda *sizes, **options: Snu(*sizes, soft=True, **options), "lstm": Lstm, "lru": Lru, "li": Li}


class Network(nn.Module):
    """The layers of a configuration and its readout; a key that is not known here is an error."""

    def __init__(self, config, inputs, outputs):
        super().__init__()
        start = {"input": "glorot", "recurrent": "orthogonal"} | config.get("initialization", {})
        self.layers, self.dropout = nn.ModuleList(), []
        readout = {"units": outputs} | config.get("readout", {})
        for options in [*map(dict, config["layers"]), readout]:
            units = options.pop("units")
            self.dropout.append(options.pop("dropout", 0.0))
            cell = options.pop("cell", None)
            kind = CELLS[cell] if cell else Embedding if "embedding" in options else Dense
            self.layers.append(kind(inputs, units, start, **options))
            inputs = units
        has_state = [not isinstance(layer, (Dense, Embedding)) for layer in self.layers]
        self.top = max((i + 1 for i, has in enumerate(has_state) if has), default=0)

    def forward(self, x, states, steps):
        """The logits of the last so many steps, and the states after all of them; `states` is None at rest."""
        after = []
        for i, (layer, rate, state) in enumerate(zip(self.layers, self.dropout, states or [None] * len(self.layers))):
            if i == self.top:
                # Nothing above looks back, so it has to be worked out only where it is asked for.
                x = x[-steps:]
            x = nn.functional.dropout(x, rate, self.training) if rate else x
            x, state = layer(x, state)
            after.append(state)
        return x[-steps:], after

    def parameter_count(self):
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)


def detached(state):
    """The same state, from which no derivative goes back."""
    if isinstance(state, (list, tuple)):
        return type(state)(map(detached, state))
    return state if state is None else state.detach()
