"""Times one gradient by backpropagation through time in compiled JAX; rows and options as rows.py has them.

    python ostl-bench/peers/bptt_jax.py --case music --cell snu --recurrent --threads 1
"""

import math

import rows

if __name__ == "__main__":
    args = rows.options(__doc__)
    args.threads = rows.keep_to(args.threads)

import jax
import jax.numpy as jnp


@jax.custom_vjp
def spike(v):
    """Heaviside step with the fast-sigmoid pseudo-derivative."""
    return (v > 0).astype(jnp.float32)


spike.defvjp(lambda v: (spike(v), v), lambda v, grad: (grad / (1 + jnp.abs(v)) ** 2,))


def data(case, key):
    """Inputs and target classes, a row a step."""
    shape = (case["steps"], case["batch"], case["inputs"])
    if case["active"] == 1.0:
        x = jax.random.normal(key, shape)
    else:
        x = (jax.random.uniform(key, shape) < case["active"]).astype(jnp.float32)
    return x, jax.random.randint(key, shape[:2], 0, case["outputs"])


def weights(key, *shapes):
    return [jax.random.normal(k, s) / math.sqrt(s[0]) for k, s in zip(jax.random.split(key, len(shapes)), shapes)]


def cross_entropy(logits, target):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), target[..., None], -1).mean()


def snu(h, b, recurrent):
    """A step of the SNU with decay 0.9."""

    def step(carry, current):
        s, y = carry
        s = current + 0.9 * s * (1 - y) + (y @ h if recurrent else 0.0)
        y = spike(s + b)
        return (s, y), y

    return step


def lstm(h, b, _recurrent):
    """A step of the LSTM."""

    def step(carry, current):
        c, y = carry
        i, f, g, out = jnp.split(current + y @ h + b, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        y = jax.nn.sigmoid(out) * jnp.tanh(c)
        return (c, y), y

    return step


def build(case, cell, recurrent):
    """The compiled gradient; the input product is taken over all steps at once."""
    case = rows.CASES[case]
    m, n, o, batch = case["inputs"], case["units"], case["outputs"], case["batch"]
    cell, gates, bias = {"snu": (snu, 1, -0.5), "lstm": (lstm, 4, 0.0)}[cell]
    key = jax.random.PRNGKey(0)
    w, h, v = weights(key, (m, gates * n), (n, gates * n), (n, o))
    x, target = data(case, key)

    def loss(parameters, x, target):
        w, h, b, v = parameters
        start = jnp.zeros((batch, n)), jnp.zeros((batch, n))
        _, outputs = jax.lax.scan(cell(h, b, recurrent), start, x @ w)
        return cross_entropy(outputs @ v, target)

    gradient = jax.jit(jax.value_and_grad(loss))
    parameters = w, h, jnp.full(gates * n, bias), v
    return lambda: jax.block_until_ready(gradient(parameters, x, target))


if __name__ == "__main__":
    rows.run(args, build, peer=f"jax {jax.__version__}")
