"""Where the generators of random numbers of this process stand."""

import random

import numpy as np
import torch


def random_states():
    """States of Python's, NumPy's, PyTorch's and the GPUs' generators (dict)."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_random_states(states):
    """Put the generators back to where :func:`random_states` found them."""
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    if states["cuda"]:
        torch.cuda.set_rng_state_all(states["cuda"])
