"""``pico_decoder``: writes captions and answers, looking at the patches of a picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pico.tokens import VOCABULARY
from pico.vision import MASKED, MAX_SIDE

CONTEXT_LENGTH = 128
MAX_PATCHES = 64
FEATURE_DROPOUT = 0.1
PATCH_DROPOUT = 0.2
"""Share of the patches that a text cannot see while learning: no picture is learned by heart."""


@dataclass(frozen=True)
class DecoderConfig:
    """Sizes of the decoder."""

    features: int = 224
    vocabulary: int = VOCABULARY
    width: int = 224
    depth: int = 4
    heads: int = 4
    head_width: int = 48
    mlp_width: int = 832

    as_dict = asdict


class Sight(nn.Module):
    """Patch features made ready to be read: all directions of more equal size, and the place of each patch told.

    The features of neighbouring places differ little, so a linear map of the features tells rows fairly and
    columns hardly. The decoder is not given positions: it finds the grid among those that the number of
    patches allows, as the one whose rows are nearest to the rows that the features tell.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("whiten", torch.eye(features))
        self.register_buffer("row_weight", torch.zeros(features))
        self.register_buffer("row_bias", torch.zeros(()))
        self.rows = nn.Parameter(torch.randn(MAX_SIDE, features) * 0.5)
        self.columns = nn.Parameter(torch.randn(MAX_SIDE, features) * 0.5)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """features [N, P, F], mask float [N, P] -> [N, P, F]."""
        row, column = self.places(features, mask)
        return (features - self.centre) @ self.whiten + self.rows[row] + self.columns[column]

    def places(self, features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """int64 [N, P] each: the row and the column of every patch."""
        widths = torch.arange(1, MAX_SIDE + 1)
        index = torch.arange(features.shape[1])
        heights = mask.sum(1, keepdim=True) / widths  # [N, widths]
        impossible = ((heights != torch.floor(heights)) | (heights > MAX_SIDE)).to(features.dtype)
        told = (features * self.row_weight).sum(2) + self.row_bias  # [N, P]
        rows_by_width = torch.div(index[:, None], widths, rounding_mode="floor").to(features.dtype)  # [P, widths]
        error = (((told.unsqueeze(2) - rows_by_width) ** 2) * mask.unsqueeze(2)).sum(1) + impossible * 1e9
        width = error.argmin(1, keepdim=True) + 1  # [N, 1]
        row = torch.div(index[None], width, rounding_mode="floor")
        return row.clamp(max=MAX_SIDE - 1), (index[None] - row * width).clamp(max=MAX_SIDE - 1)

    @torch.no_grad()
    def fit(self, features: Tensor, rows: Tensor) -> None:
        """Sets the fixed maps from real patches: features [M, F] and the row of each [M]."""
        self.centre.copy_(features.mean(0))
        apart = (features - self.centre).double()
        spread = apart.T @ apart / len(apart)
        sizes, directions = torch.linalg.eigh(spread)
        self.whiten.copy_(directions @ torch.diag((sizes.clamp(min=0) + 0.05) ** -0.25) @ directions.T)
        wanted = rows.double() - rows.double().mean()
        ridge = torch.eye(len(spread), dtype=torch.float64) * 1e-3
        weight = torch.linalg.solve(spread + ridge, apart.T @ wanted / len(apart))
        self.row_weight.copy_(weight)
        self.row_bias.copy_(rows.double().mean() - self.centre.double() @ weight)


class DecoderBlock(nn.Module):
    """Pre-norm: attention over the text, over the patches, and a feed-forward part.

    Queries have several heads; keys and values of text and patches have one (multi-query attention).
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        width, inner = config.width, config.heads * config.head_width
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.text_query = nn.Linear(width, inner)
        self.text_memory = nn.Linear(width, 2 * config.head_width)
        self.text_output = nn.Linear(inner, width)
        self.patch_query = nn.Linear(width, inner)
        self.patch_memory = nn.Linear(config.features, 2 * config.head_width)
        self.patch_output = nn.Linear(inner, width)
        self.expand = nn.Linear(width, config.mlp_width)
        self.contract = nn.Linear(config.mlp_width, width)


class Decoder(nn.Module):
    """The decoder; ``forward`` reads whole texts to learn, ``Stepper`` is what is served."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.sight = Sight(config.features)
        self.tokens = nn.Parameter(torch.randn(config.vocabulary, config.width) * 0.05)
        self.blocks = nn.ModuleList(DecoderBlock(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)
        for block in self.blocks:
            for layer in (block.text_output, block.patch_output, block.contract):
                nn.init.normal_(layer.weight, std=0.02)
        angle = rotary_angles(config.head_width)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)

    def forward(
        self, ids: Tensor, positions: Tensor, segments: Tensor, wanted: Tensor, features: Tensor, mask: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Logits [M, V] of the tokens that are wanted (bool [N, T]), in their order; and each block's attention
        to the patches [N, T, heads, P].

        Several texts about one picture lie behind each other in a row: ids, positions (each text from 0) and
        segments (the text's number) are int64 [N, T]; features [N, P, F], mask bool [N, P].
        """
        real = mask.to(features.dtype)
        seen = F.dropout(self.sight(features, real), FEATURE_DROPOUT, self.training)
        shown = real * (torch.rand_like(real) >= PATCH_DROPOUT) if self.training else real
        patch_bias = ((1 - shown) * MASKED)[:, None]
        earlier = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
        text_bias = torch.where((segments[:, :, None] == segments[:, None]) & earlier, 0.0, MASKED)
        x, attention = self.tokens[ids], []
        for block in self.blocks:
            key, value = self.text_memory(block, x, positions)
            x = self.read_text(block, x, positions, key, value, text_bias)
            key, value = block.patch_memory(seen).chunk(2, -1)
            x, weights = self.read_patches(block, x, key, value, patch_bias)
            attention.append(weights)
            x = x + block.contract(F.gelu(block.expand(block.norm3(x))))
        return self.norm(x[wanted]) @ self.tokens.T, attention

    def text_memory(self, block: DecoderBlock, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Keys (turned by their position) and values [N, T, head_width] of the text itself."""
        key, value = block.text_memory(block.norm1(x)).chunk(2, -1)
        return turned(key, self.cos[positions], self.sin[positions]), value

    def read_text(
        self, block: DecoderBlock, x: Tensor, positions: Tensor, key: Tensor, value: Tensor, bias: Tensor
    ) -> Tensor:
        """x [N, T, width] after attention to keys [N, L, head_width] under bias [N, T, L]."""
        query = self._heads(block.text_query(block.norm1(x)))
        query = turned(query, self.cos[positions].unsqueeze(2), self.sin[positions].unsqueeze(2))
        read, _ = self._attend(query, key, value, bias)
        return x + block.text_output(read)

    def read_patches(
        self, block: DecoderBlock, x: Tensor, key: Tensor, value: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        """x after attention to the patches under bias [N, 1, P], and the weights [N, T, heads, P]."""
        query = self._heads(block.patch_query(block.norm2(x)))
        read, weights = self._attend(query, key, value, bias)
        return x + block.patch_output(read), weights

    def _heads(self, query: Tensor) -> Tensor:
        """[N, T, heads * head_width] -> [N, T, heads, head_width]."""
        return query.reshape(query.shape[0], query.shape[1], self.config.heads, self.config.head_width)

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """All heads of all tokens against the one key/value head."""
        n, t, heads, width = query.shape
        scores = (query.reshape(n, t * heads, width) * width**-0.5) @ key.transpose(1, 2)
        weights = torch.softmax(scores.reshape(n, t, heads, -1) + bias.unsqueeze(2), dim=-1)
        read = weights.reshape(n, t * heads, -1) @ value
        return read.reshape(n, t, heads * width), weights


class Stepper(nn.Module):
    """One step of a sequence, with all that it remembers as tensors of fixed size; see the model card."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(
        self, input_ids: Tensor, patch_features: Tensor, patch_mask: Tensor,
        cache_in: Tensor, memory_in: Tensor, length_in: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """input_ids int64 [N, T]; patches in the first step, none afterwards.

        cache [N, 2 * depth, 128, head_width]; memory [N, 64, 2 * depth * head_width + 1], the last column being the
        additive mask; length int64 [N, 1]. Returns logits [N, T, V], cross_attention [N, T, 64] and the three.
        """
        decoder, config = self.decoder, self.decoder.config
        memory = torch.where(length_in.unsqueeze(2) == 0, self.memory(patch_features, patch_mask), memory_in)
        patch_bias = memory[:, :, -1].unsqueeze(1)
        positions = length_in + torch.arange(input_ids.shape[1])
        slots = torch.arange(CONTEXT_LENGTH)
        written = (slots[None, :, None] == positions.unsqueeze(1)).to(cache_in.dtype)  # [N, 128, T]
        kept = 1 - written.sum(2, keepdim=True)
        text_bias = (slots[None, None] > positions.unsqueeze(2)).to(cache_in.dtype) * MASKED
        turns = positions.clamp(max=CONTEXT_LENGTH - 1)
        x, cache, attention = decoder.tokens[input_ids], [], []
        for index, block in enumerate(decoder.blocks):
            key, value = (
                cache_in[:, 2 * index + part] * kept + written @ new
                for part, new in enumerate(decoder.text_memory(block, x, turns))
            )
            cache += [key, value]
            x = decoder.read_text(block, x, turns, key, value, text_bias)
            start = 2 * index * config.head_width
            key, value = memory[:, :, start : start + 2 * config.head_width].chunk(2, -1)
            x, weights = decoder.read_patches(block, x, key, value, patch_bias)
            attention.append(weights.mean(2))
            x = x + block.contract(F.gelu(block.expand(block.norm3(x))))
        logits = decoder.norm(x) @ decoder.tokens.T
        length = length_in + input_ids.shape[1]
        return logits, torch.stack(attention).mean(0), torch.stack(cache, 1), memory, length

    def memory(self, features: Tensor, mask: Tensor) -> Tensor:
        """[N, 64, 2 * depth * head_width + 1] of up to 64 patches."""
        real = mask.to(features.dtype)
        seen = self.decoder.sight(features, real)
        parts = [block.patch_memory(seen) for block in self.decoder.blocks]
        rows = torch.cat((*parts, ((1 - real) * MASKED).unsqueeze(2)), dim=2)
        width = 2 * self.decoder.config.depth * self.decoder.config.head_width
        absent = torch.cat((torch.zeros(MAX_PATCHES, width), torch.full((MAX_PATCHES, 1), MASKED)), dim=1)
        return torch.cat((rows, absent.expand(features.shape[0], -1, -1)), dim=1)[:, :MAX_PATCHES]


def rotary_angles(width: int) -> Tensor:
    """[128, width / 2]: how far each pair of a key is turned at each position (RoPE, base 1,000)."""
    frequencies = 1000.0 ** (-torch.arange(0, width, 2) / width)
    return torch.arange(CONTEXT_LENGTH)[:, None] * frequencies


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x with its first and second half taken as pairs and turned."""
    one, other = x.chunk(2, -1)
    return torch.cat((one * cos - other * sin, one * sin + other * cos), dim=-1)
