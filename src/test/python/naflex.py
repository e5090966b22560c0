"""The size rule of SigLIP 2 NaFlex."""

import math


def grid(height, width, patch, most):
    """As transformers 5.18 has it (`get_image_size_for_max_num_patches`), in patches."""
    def side(scale, size):
        return max(patch, int(math.ceil(size * scale / patch) * patch))

    low, high = 1e-6, 100.0
    while high - low >= 1e-5:
        scale = (low + high) / 2
        if (side(scale, height) / patch) * (side(scale, width) / patch) <= most:
            low = scale
        else:
            high = scale
    return side(low, height) // patch, side(low, width) // patch
