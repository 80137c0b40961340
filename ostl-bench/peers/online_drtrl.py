"""Times a step of a stream in braintrace: its D-RTRL with an update by Adam at every step, LSTM and GRU.

    python ostl-bench/peers/online_drtrl.py --sizes small --cells lstm

D-RTRL carries the diagonal of ∂s/∂s⁻ for every weight, about what our `local` carries. Rows and options as online_rows.py
has them, with windows of one step alone.
"""

import itertools

import online_rows
import rows

if __name__ == "__main__":
    args = online_rows.parser(__doc__).parse_args()
    args.threads = rows.keep_to(args.threads)

import brainstate
import braintrace
import jax
import optax

import bptt_jax

CELLS = {"lstm": braintrace.nn.LSTMCell, "gru": braintrace.nn.GRUCell}


class Network(brainstate.nn.Module):
    """A recurrent layer and a readout."""

    def __init__(self, case, cell):
        super().__init__()
        self.cell = CELLS[cell](case["inputs"], case["units"])
        self.readout = braintrace.nn.Linear(case["units"], case["outputs"])

    def update(self, x):
        return x >> self.cell >> self.readout


def build(case, cell, _window):
    """Learns from one step after another."""
    x, target = bptt_jax.data(case, jax.random.PRNGKey(1))
    network = Network(case, cell)
    learner = braintrace.compile(network, braintrace.D_RTRL, x[0], batch_size=case["batch"])
    weights, optimizer = network.states(brainstate.ParamState), optax.adam(online_rows.LEARNING_RATE)
    moments = brainstate.ShortTermState(optimizer.init({name: state.value for name, state in weights.items()}))

    @brainstate.transform.jit
    def update(x, target):
        def loss():
            logits = learner(x)
            return bptt_jax.cross_entropy(logits, target), logits

        gradient, logits = brainstate.transform.grad(loss, weights, has_aux=True)()
        change, moments.value = optimizer.update(gradient, moments.value)
        for name, state in weights.items():
            state.value = optax.apply_updates(state.value, change[name])
        return logits

    steps = itertools.cycle(list(zip(x, target)))

    def learn():
        update(*next(steps))
        jax.block_until_ready(moments.value)

    return learn


if __name__ == "__main__":
    fields = {"peer": f"braintrace {braintrace.__version__}", "rule": "D_RTRL"}
    online_rows.run(args, build, cells=tuple(CELLS), windows=(1,), **fields)
