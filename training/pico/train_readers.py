"""Trains what reads the patch features: decoder, depth and emotion. The image encoder stays as it is.

``python -m pico.train_readers --run NAME --steps N``; a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from pico.batches import loader
from pico.decoder import Decoder, DecoderConfig
from pico.heads import Depth, Emotion
from pico.muon import Muon
from pico.reading import NOWHERE, UNKNOWN_EMOTION, Block, BlockMaker, ReadingBlocks, Texts
from scenes.drawings import CACHE, TRAINING

REPOSITORY = TRAINING.parent / "model-repository"
TRAINING_SEED = 20_270
WATCH_SEED = 7_002
LAGS = (0, 60)
"""A step learns from its own block and from those made that many steps ago, each time with other texts."""
LOOKING = 0.2
"""Weight of the loss that guides attention."""
COOLING = 0.34
"""Share of the steps, at the end, in which the learning rate falls to zero."""


class Readers(nn.Module):
    """Everything that is trained here."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.decoder = Decoder(config)
        self.depth = Depth(config.features)
        self.emotion = Emotion(config.features)

    def forward(self, block: Block, texts: Texts) -> dict[str, Tensor]:
        """The losses on a block and one of its sets of texts."""
        features = block.features.float()
        wanted = texts.importance > 0
        logits, attention = self.decoder(texts.ids, texts.positions, texts.segments, wanted, features, block.mask)
        importance, targets = texts.importance[wanted], texts.targets[wanted]
        said = (F.cross_entropy(logits, targets, reduction="none") * importance).sum() / importance.sum()
        real = (block.mask & block.depth_known[:, None]).unsqueeze(2)
        depth = self.depth(features, block.mask, block.positions)
        off = ((depth - block.depth.float()).abs() * real).sum() / (real.sum() * depth.shape[2]).clamp(min=1)
        sure = block.emotion != UNKNOWN_EMOTION
        votes = self.emotion(features, block.mask)[sure]
        felt = F.cross_entropy(votes, block.emotion[sure]) if len(votes) else votes.sum()
        return {"texts": said, "looks": LOOKING * looking(attention, block, texts), "depth": off, "emotion": felt}


def looking(attention: list[Tensor], block: Block, texts: Texts) -> Tensor:
    """How far tokens about a thing are from looking at it, in half of the heads of all blocks but the first.

    The place of a word in the picture so is learned from every text, long before answers about it would tell.
    """
    rows, tokens = torch.nonzero(texts.looks != NOWHERE, as_tuple=True)
    cover = block.covers[rows, texts.looks[rows, tokens]]
    seen = cover.any(1)
    rows, tokens, cover = rows[seen], tokens[seen], cover[seen]
    weights = torch.stack([part[rows, tokens] for part in attention[1:]])  # [blocks, M, heads, P]
    mass = (weights[:, :, : weights.shape[2] // 2] * cover[:, None]).sum(3)
    return -torch.log(mass + 1e-3).mean()


class Training:
    """One run: model, optimisers, averaged weights, history, and where they are kept."""

    def __init__(self, folder: Path, steps: int, peak_rate: float, config: DecoderConfig) -> None:
        torch.manual_seed(TRAINING_SEED)
        self.folder, self.steps, self.peak_rate = folder, steps, peak_rate
        self.model = Readers(config).train()
        self.average = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        weights = {id(m.weight): m.weight for m in self.model.modules() if isinstance(m, nn.Linear)}
        others = [p for p in self.model.parameters() if id(p) not in weights]
        self.optimisers = (
            Muon(weights.values(), lr=peak_rate, weight_decay=0.02),
            torch.optim.AdamW(others, lr=peak_rate, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.0),
        )
        self.step = 0
        self.seconds = 0.0
        self.history: list[dict] = []

    def rate(self) -> float:
        """Learning rate of this step: a short rise, a plateau, a straight fall at the end."""
        rise = min(1.0, (self.step + 1) / max(1, min(50, self.steps // 10)))
        left = (self.steps - self.step) / max(1, COOLING * self.steps)
        return self.peak_rate * min(rise, 1.0, max(left, 0.0))

    def learn(self, blocks: list[tuple[Block, Texts]]) -> dict[str, float]:
        """One step of the optimisers on all the blocks."""
        for optimiser in self.optimisers:
            optimiser.param_groups[0]["lr"] = self.rate()
        self.model.zero_grad(set_to_none=True)
        sums: dict[str, float] = {}
        for block, texts in blocks:
            losses = self.model(block, texts)
            (sum(losses.values()) / len(blocks)).backward()
            sums = {name: sums.get(name, 0.0) + loss.item() / len(blocks) for name, loss in losses.items()}
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        decay = min(0.99, 1 - 1 / (1 + self.step / 10))
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                self.average[name].lerp_(p, 1 - decay)
        return sums

    def averaged(self) -> Readers:
        """A copy with the averaged weights, to look at or to export."""
        copy = Readers(self.model.decoder.config)
        copy.load_state_dict(self.model.state_dict() | self.average)
        return copy.eval()

    def save(self) -> None:
        state = {
            "model": self.model.state_dict(), "average": self.average, "step": self.step, "seconds": self.seconds,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "history": self.history, "decoder": self.model.decoder.config.as_dict(),
        }
        torch.save(state, self.folder / "readers.tmp")
        os.replace(self.folder / "readers.tmp", self.folder / "readers.pt")
        (self.folder / "readers-history.json").write_text(json.dumps(self.history, indent=1) + "\n")

    def resume(self) -> None:
        """Goes on from the checkpoint, if there is one; the number of steps may have been changed."""
        path = self.folder / "readers.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        self.average, self.step = state["average"], state["step"]
        self.history, self.seconds = state["history"], state["seconds"]

    def begin_with(self, readers: Readers) -> None:
        """Starts from readers that were trained on the features of an earlier encoder."""
        self.model.load_state_dict(readers.state_dict())
        self.average = {name: p.detach().clone() for name, p in self.model.named_parameters()}


def averaged_readers(checkpoint: Path) -> tuple[Readers, dict]:
    """The readers with their averaged weights, ready to export; and the checkpoint's own facts."""
    state = torch.load(checkpoint, weights_only=True)
    readers = Readers(DecoderConfig(**state["decoder"]))
    readers.load_state_dict(state["model"] | state["average"])
    return readers.eval(), state


class Watch:
    """Scenes of their own that the learning curve is read on."""

    def __init__(self, maker: BlockMaker, blocks: int) -> None:
        rng = np.random.default_rng(WATCH_SEED)
        self.blocks = [maker.make(rng, easy=0.1, readings=1) for _ in range(blocks)]
        self.spell = maker.spell

    @torch.no_grad()
    def look(self, readers: Readers) -> dict[str, float]:
        """Share of texts and answers that greedy decoding says word for word, by kind, and the heads' figures.

        A greedy text equals the wanted one exactly when every token is the likeliest after the right ones.
        """
        right: dict[str, list[bool]] = {}
        off, felt, said = [], [], []
        for block in self.blocks:
            texts, features = block.texts[0], block.features.float()
            wanted = texts.importance > 0
            logits, _ = readers.decoder(texts.ids, texts.positions, texts.segments, wanted, features, block.mask)
            said.append(F.cross_entropy(logits, texts.targets[wanted]).item())
            best = torch.zeros_like(texts.ids)
            best[wanted] = logits.argmax(1)
            hits = best == texts.targets
            for row, first, end, kind in texts.spans:
                right.setdefault(kind, []).append(bool(hits[row, first:end].all()))
            depth = readers.depth(features, block.mask, block.positions)
            off.append((depth - block.depth.float())[block.mask & block.depth_known[:, None]].abs().mean().item())
            sure = (block.emotion != UNKNOWN_EMOTION) & (block.emotion != block.emotion.max())
            felt.append((readers.emotion(features, block.mask).argmax(1) == block.emotion)[sure])
        self.last = (self.blocks[-1].texts[0], best)
        shares = {kind: round(sum(hits) / len(hits), 3) for kind, hits in sorted(right.items())}
        return {"loss": round(sum(said) / len(said), 4), "depth off": round(sum(off) / len(off), 4),
                "emotion": round(torch.cat(felt).float().mean().item(), 3), **shares}

    def samples(self, count: int = 6) -> list[str]:
        """Some of the last texts as they were and as they were said."""
        texts, best = self.last
        decode = self.spell.tokenizer.decode
        return [
            f"{kind}: {decode(texts.targets[row, first:end].tolist())} -> {decode(best[row, first:end].tolist())}"
            for row, first, end, kind in texts.spans[:: max(1, len(texts.spans) // count)]
        ]


def taught(blocks: Iterator[Block]) -> Iterator[list[tuple[Block, Texts]]]:
    """What each step learns from: a new block, and older ones (as old as there are) with texts not used yet."""
    kept: deque[Block] = deque(maxlen=max(LAGS) + 1)
    for block in blocks:
        kept.append(block)
        lags = [min(lag, (len(kept) - 1) * turn // len(LAGS)) for turn, lag in enumerate(LAGS)]
        yield [(kept[-1 - lag], kept[-1 - lag].texts[turn]) for turn, lag in enumerate(lags)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="main", help="name of the run's folder in the cache")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="where the encoders are")
    parser.add_argument("--begin", help="a run whose readers, of an earlier encoder, this one begins with")
    parser.add_argument("--steps", type=int, default=3400)
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes that compose and encode scenes")
    parser.add_argument("--stop-after", type=int, help="end this process at that step (it can be resumed)")
    parser.add_argument("--thumbnail", action="store_true", help="a tiny decoder, to check the pipeline only")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    folder = CACHE / "runs" / options.run
    folder.mkdir(parents=True, exist_ok=True)
    vision = options.repository / "pico_vision" / "1" / "model.onnx"
    tokenizer = Tokenizer.from_file(str(options.repository / "pico_text" / "assets" / "tokenizer.json"))
    maker = BlockMaker(vision, tokenizer)
    features = maker.vision.get_outputs()[1].shape[2]
    small = {"width": 64, "depth": 2, "mlp_width": 128} if options.thumbnail else {}
    training = Training(folder, options.steps, options.rate, DecoderConfig(features=features, **small))
    training.resume()
    if options.begin and training.step == 0:
        training.begin_with(averaged_readers(CACHE / "runs" / options.begin / "readers.pt")[0])
    seed, easy_blocks = (TRAINING_SEED + 1, 0) if options.begin else (TRAINING_SEED, options.steps // 4)
    train(training, maker, ReadingBlocks(vision, tokenizer, seed, training.step, easy_blocks), options.workers,
          min(options.stop_after or options.steps, options.steps))


def train(training: Training, maker: BlockMaker, blocks: ReadingBlocks, workers: int, last_step: int) -> None:
    """Runs to the last step, with a line of progress every 20 steps and a checkpoint every 100."""
    watch = Watch(maker, blocks=8)
    if training.step == 0:
        training.model.decoder.sight.fit(*places_told(watch.blocks))
    began, images, sums = time.time(), 0, {}
    for lesson in taught(iter(loader(blocks, workers))):
        losses = training.learn(lesson)
        images += sum(len(block.mask) for block, _ in lesson)
        sums = {name: sums.get(name, 0.0) + loss for name, loss in losses.items()}
        done = training.step >= last_step
        if training.step % 20 == 0 or done:
            seconds = time.time() - began
            training.seconds += seconds
            steps = (training.step - 1) % 20 + 1
            parts = "  ".join(f"{name} {loss / steps:.3f}" for name, loss in sums.items())
            print(f"step {training.step}/{training.steps}  {parts}  {images / seconds:.0f} images/s  "
                  f"{training.seconds / 60:.1f} min", flush=True)
            began, images, sums = time.time(), 0, {}
        if training.step % 100 == 0 or done:
            seen = watch.look(training.averaged())
            training.history.append({"step": training.step, "minutes": round(training.seconds / 60, 1), **seen})
            training.save()
            print(f"step {training.step}: {seen}", *watch.samples(), sep="\n  ", flush=True)
        if done:
            break


def places_told(blocks: list[Block]) -> tuple[Tensor, Tensor]:
    """Features of real patches [M, F] and the row of each [M]."""
    features = torch.cat([block.features[block.mask] for block in blocks]).float()
    return features, torch.cat([block.positions[block.mask][:, 0] for block in blocks])


if __name__ == "__main__":
    main()
