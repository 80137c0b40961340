"""A network's gradient under a method, beside that of backpropagation through time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One block of parameters."""

    layer: int
    """Its layer, the readout last."""
    name: str
    """The layer's name."""
    block: str
    """``W``, ``H``, ``b``, or the name of a constant."""
    claim: str
    """``exact``, ``approximate`` or ``frozen``: what the method promises."""
    norm: float
    """‖BPTT‖ of the block."""
    relative_error: float
    """‖found − BPTT‖ / ‖BPTT‖."""
    cosine: float
    """Of the angle between both."""
    holds: bool
    """Not claimed exact, or exact indeed."""


@dataclass(frozen=True)
class Audit:
    """What :meth:`ostl.Learner.check` found: a table with a row for each block; ``print`` shows it."""

    rows: list[Row]
    loss: float
    """The loss that the gradient is of, summed over targets."""
    norm: float
    """‖BPTT‖ over all parameters."""
    relative_error: float
    """Of the whole gradient."""
    cosine: float
    """Of the whole gradient."""
    residual: float | None
    """‖R‖ / ‖BPTT‖, what deep OSTL drops between layers; ``None`` where it would take too long to find out."""
    firing_rate: float | None
    """Spikes a unit and step; ``None`` without a spiking layer."""

    @property
    def holds(self) -> bool:
        """Whether everything that is claimed exact is."""
        return all(row.holds for row in self.rows)

    @classmethod
    def _of(cls, found: dict[str, Any]) -> Audit:
        return cls(rows=[Row(**row) for row in found.pop("rows")], **found)

    def __str__(self) -> str:
        lines = [("layer", "block", "claim", "error", "cosine", "norm")]
        for row in self.rows:
            figures = (f"{row.relative_error:.1e}", f"{row.cosine:.4f}", f"{row.norm:.1e}")
            lines.append((f"{row.layer} {row.name}", row.block, row.claim, *figures))
        lines.append(("all", "", "", f"{self.relative_error:.1e}", f"{self.cosine:.4f}", f"{self.norm:.1e}"))
        widths = [max(len(line[column]) for line in lines) for column in range(6)]
        return "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )
