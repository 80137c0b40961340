"""Times a step of a stream in compiled JAX: BPTT within windows of K steps, and an update by Adam after each.

    python ostl-bench/peers/online_jax.py --sizes small --cells lstm,gru

The state goes on from window to window, but no derivative does. A window is one call, which is faster than a call a step
and cannot predict before the window is full. Rows and options as online_rows.py has them.
"""

import functools
import itertools
import math

import online_rows
import rows

if __name__ == "__main__":
    args = online_rows.parser(__doc__).parse_args()
    args.threads = rows.keep_to(args.threads)

import jax
import jax.numpy as jnp
import optax

import bptt_jax


def gru(p):
    """A step of the GRU that resets after the product, as PyTorch's does."""

    def step(y, current):
        (r, z, n), (hr, hz, hn) = jnp.split(current + p["b"], 3, -1), jnp.split(y @ p["h"], 3, -1)
        r, z = jax.nn.sigmoid(r + hr), jax.nn.sigmoid(z + hz)
        y = (1 - z) * jnp.tanh(n + r * (hn + p["memory"])) + z * y
        return y, y

    return step


def lru(p):
    """A step of the linear recurrent unit."""
    factor, gain = jnp.exp(-jnp.exp(p["nu"]) + 1j * jnp.exp(p["theta"])), jnp.exp(p["gamma"])

    def step(s, current):
        real, imaginary = jnp.split(current, 2, -1)
        s = factor * s + gain * (real + 1j * imaginary)
        return s, s.real

    return step


# What makes a step from the parameters, matrices W a unit, and the type and number of states.
CELLS = {
    "lstm": (lambda p: bptt_jax.lstm(p["h"], p["b"], True), 4, jnp.float32, 2),
    "gru": (gru, 3, jnp.float32, 1),
    "snu": (lambda p: bptt_jax.snu(p["h"], p["b"], True), 1, jnp.float32, 2),
    "lru": (lru, 2, jnp.complex64, 1),
}


def start(case, cell, gates):
    """The weights at the start."""
    m, n, o = case["inputs"], case["units"], case["outputs"]
    w, v, h = bptt_jax.weights(jax.random.PRNGKey(0), (m, gates * n), (n, o), (n, gates * n))
    shared = {"w": w, "v": v, "c": jnp.zeros(o)}
    if cell == "lru":
        square = (jnp.arange(n) + 0.5) / n
        ring = {"nu": jnp.log(-0.5 * jnp.log(square)), "theta": jnp.log(math.tau * square)}
        return {**shared, **ring, "gamma": 0.5 * jnp.log(1 - square)}
    constants = {"b": jnp.full(gates * n, -0.5 if cell == "snu" else 0.0)}
    return {**shared, **constants, "h": h, **({"memory": jnp.zeros(n)} if cell == "gru" else {})}


def build(case, cell, window):
    """Learns from one window after another."""
    step, gates, kind, count = CELLS[cell]
    rest = [jnp.zeros((case["batch"], case["units"]), kind) for _ in range(count)]
    parameters, optimizer = start(case, cell, gates), optax.adam(online_rows.LEARNING_RATE)
    held = parameters, optimizer.init(parameters), rest[0] if count == 1 else tuple(rest)
    x, target = bptt_jax.data(case, jax.random.PRNGKey(1))
    split = [[values[t : t + window] for t in range(0, case["steps"], window)] for values in (x, target)]
    windows = itertools.cycle(list(zip(*split)))

    def loss(parameters, state, x, target):
        state, outputs = jax.lax.scan(step(parameters), state, x @ parameters["w"])
        logits = outputs @ parameters["v"] + parameters["c"]
        return bptt_jax.cross_entropy(logits, target), (state, logits)

    @functools.partial(jax.jit, donate_argnums=0)
    def update(held, x, target):
        parameters, moments, state = held
        gradient, (state, logits) = jax.grad(loss, has_aux=True)(parameters, state, x, target)
        change, moments = optimizer.update(gradient, moments)
        return (optax.apply_updates(parameters, change), moments, state), logits

    def learn():
        nonlocal held
        held, logits = jax.block_until_ready(update(held, *next(windows)))

    return learn


if __name__ == "__main__":
    online_rows.run(args, build, peer=f"jax {jax.__version__}")
