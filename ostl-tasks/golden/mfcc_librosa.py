"""Prints tests/golden/front_end.json: what librosa (0.11) makes of a signal given by a formula.

    python golden/mfcc_librosa.py > tests/golden/front_end.json
"""

import json

import librosa
import numpy as np


def signal(rate, samples):
    """A chirp, a tone that fades in and out, and a click each 1,000 samples; tests/front_end.rs has the same formula."""
    t = np.arange(samples) / rate
    x = 0.4 * np.sin(2 * np.pi * (200 * t + 1500 * t * t)) + 0.2 * np.sin(2 * np.pi * 970 * t) * np.sin(2 * np.pi * 3 * t) ** 2
    x[::1000] += 0.3
    return x.astype(np.float32).astype(np.float64)


def case(rate, samples, frame, hop, window, pre_emphasis, bands, htk, low, high, coefficients, reach):
    x = librosa.effects.preemphasis(signal(rate, samples), coef=pre_emphasis, zi=[0.0])
    n = 1 << (2 * frame - 1).bit_length()
    before = (n - frame) // 2
    x = np.pad(x, (before, n - frame - before))
    mel = librosa.feature.melspectrogram(
        y=x, sr=rate, n_fft=n, win_length=frame, hop_length=hop, window=window, center=False, power=2.0, n_mels=bands,
        fmin=low, fmax=high, htk=htk, norm=None if htk else "slaney", dtype=np.float64,
    )
    log_mel = np.log(np.maximum(mel, 1e-10))
    mfcc = librosa.feature.mfcc(S=log_mel, n_mfcc=coefficients, dct_type=2, norm="ortho", lifter=0)
    delta = librosa.feature.delta(mfcc, width=2 * reach + 1, order=1, mode="nearest")
    again = librosa.feature.delta(delta, width=2 * reach + 1, order=1, mode="nearest")
    every = np.concatenate([mfcc, delta, again])
    frames = sorted({0, 1, 7, mfcc.shape[1] // 2, mfcc.shape[1] - 1})
    rounded = lambda values: [float(f"{value:.8g}") for value in values]
    return {
        "rate": rate, "samples": samples, "frame_ms": 1000 * frame / rate, "hop_ms": 1000 * hop / rate, "window": window,
        "pre_emphasis": pre_emphasis, "bands": bands, "scale": "htk" if htk else "slaney", "low_hz": low, "high_hz": high,
        "coefficients": coefficients, "delta_reach": reach, "count": mfcc.shape[1], "frames": frames,
        "log_mel": [rounded(log_mel[:, t]) for t in frames], "mfcc": [rounded(every[:, t]) for t in frames],
    }


cases = [
    case(8000, 4000, 200, 80, "hann", 0.97, 40, True, 20.0, 4000.0, 13, 2),
    case(8000, 3001, 256, 64, "hamming", 0.0, 20, False, 0.0, 3800.0, 20, 4),
    case(16000, 6400, 400, 160, "hamming", 0.95, 32, False, 60.0, 7600.0, 12, 1),
]
print("[" + ",\n".join(json.dumps(case) for case in cases) + "]")
