"""Times one gradient by online learning in braintrace: its OSTLRecurrent on a tanh RNN with a dense readout.

    python ostl-bench/peers/online_braintrace.py --case music --threads 1

Softmax cross-entropy at every step, the gradient summed over the sequence at fixed weights, all of it compiled ahead of
time. OSTLRecurrent carries the diagonal of ∂h/∂h⁻, that is (1 − h²) H_ii. Rows and options as rows.py has them; the
case wide, at more than a minute a gradient, is run once and only where it is asked for by name.
"""

import rows

if __name__ == "__main__":
    args = rows.options(__doc__)
    args.threads = rows.keep_to(args.threads)

import brainstate
import braintrace
import jax
import jax.numpy as jnp


class Network(brainstate.nn.Module):
    """h = tanh(W x + H h⁻ + b) and a readout."""

    def __init__(self, case):
        super().__init__()
        self.cell = braintrace.nn.ValinaRNNCell(case["inputs"], case["units"], activation="tanh")
        self.readout = braintrace.nn.Linear(case["units"], case["outputs"])

    def update(self, x):
        return x >> self.cell >> self.readout


def build(case, _cell, _recurrent):
    """The compiled gradient, a function of the states, so that every run starts from the same ones."""
    case = rows.CASES[case]
    key = jax.random.PRNGKey(0)
    shape = (case["steps"], case["batch"], case["inputs"])
    x, target = jax.random.normal(key, shape), jax.random.randint(key, shape[:2], 0, case["outputs"])
    learner = braintrace.compile(Network(case), braintrace.OSTLRecurrent, x[0], batch_size=case["batch"])

    def loss(x, target):
        return -jnp.take_along_axis(jax.nn.log_softmax(learner(x)), target[:, None], -1).mean()

    gradient = brainstate.transform.jit(lambda x, target: learner.etrace_grad(x, target, step_fn=loss))
    compiled = gradient.compile(x, target)
    states = gradient.stateful_fun.get_state_trace(x, target).get_state_values()
    return lambda: jax.block_until_ready(compiled(states, x, target))


if __name__ == "__main__":
    fields = {"peer": f"braintrace {braintrace.__version__}", "rule": "OSTLRecurrent"}
    rows.run(args, build, cells=(("rnn", True),), cases=("music", "long"), once=("wide",), **fields)
