"""The scales and biases with which cosines become scores."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Calibration:
    """What ``config.json`` tells about scores.

    Single label: softmax over ``logit_scale * cosine``. Several labels: sigmoid of
    ``multi_label_scale * cosine + multi_label_bias``. A text and the places of a picture: sigmoid of
    ``patch_scale * best patch's cosine + patch_bias``, for texts without a template. A picture whose best cosine
    leads by less than ``rejection_margin`` over its cosine to ``rejection_background``, the mean of the vectors of all
    kinds, shows "nothing I know".
    """

    logit_scale: float = 20.0
    multi_label_scale: float = 20.0
    multi_label_bias: float = -10.0
    patch_scale: float | None = None
    patch_bias: float | None = None
    rejection_margin: float | None = None
    rejection_background: tuple[float, ...] | None = None

    def as_dict(self) -> dict[str, float]:
        """The values that are known, as they are written to ``config.json``."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @staticmethod
    def read(run: Path) -> Calibration:
        """The run's calibration, or the defaults when it was not measured yet."""
        path = run / "calibration.json"
        return Calibration(**json.loads(path.read_text())) if path.exists() else Calibration()

    def write(self, run: Path) -> None:
        (run / "calibration.json").write_text(json.dumps(self.as_dict(), indent=2) + "\n")
