"""Writes the files beside it with NumPy; tests/own_numpy.rs reads them. Run it in this folder."""

import numpy as np

# inputs[i, t, f] = i + t / 4 - f / 2, exact in 16 bits.
i, t, f = np.meshgrid(np.arange(3), np.arange(4), np.arange(2), indexing="ij")
inputs = i + t / 4 - f / 2
labels = np.arange(12).reshape(3, 4) % 5

np.savez_compressed("train.npz", inputs=inputs, targets=labels, lengths=np.array([4, 2, 3]), mask=labels != 1)
np.save("valid/inputs.npy", np.asfortranarray(inputs.astype(">f4")))
np.save("valid/targets.npy", np.asfortranarray(labels.astype(np.uint8)))
np.save("test/inputs.npy", inputs.astype(np.float16))
np.save("test/targets.npy", labels.astype(">i2"))
np.save("test/lengths.npy", np.array([1, 4, 4], dtype=np.uint64))
