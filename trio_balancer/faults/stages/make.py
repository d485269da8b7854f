"""Make the stage of a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trio_balancer.config.model_effects import (
    Bandwidth,
    Corrupt,
    HalfClose,
    Latency,
    LimitData,
    Noop,
    PacketLoss,
    Reset,
    ResetPeer,
    Slicer,
    SlowClose,
    Stall,
    Timeout,
)
from trio_balancer.faults.stages.after_bytes import AfterBytesStage
from trio_balancer.faults.stages.corrupt import CorruptStage
from trio_balancer.faults.stages.cutting import (
    HalfCloseStage,
    LimitDataStage,
    ResetPeerStage,
    ResetStage,
    TimeoutStage,
)
from trio_balancer.faults.stages.delaying import (
    LatencyStage,
    PacketLossStage,
    SlowCloseStage,
    StallStage,
)
from trio_balancer.faults.stages.pacing import BandwidthStage, SlicerStage
from trio_balancer.faults.stages.stage import Stage

if TYPE_CHECKING:
    import random

    from trio_balancer.config.model_effects import Effect

_STAGES: dict[type[Effect], type[Stage[Any]]] = {
    Latency: LatencyStage,
    Bandwidth: BandwidthStage,
    SlowClose: SlowCloseStage,
    Timeout: TimeoutStage,
    ResetPeer: ResetPeerStage,
    Slicer: SlicerStage,
    LimitData: LimitDataStage,
    PacketLoss: PacketLossStage,
    Corrupt: CorruptStage,
    Reset: ResetStage,
    HalfClose: HalfCloseStage,
    Stall: StallStage,
    Noop: Stage,
}


def make_stage(effect: Effect, rng: random.Random, *, after_bytes: int = 0) -> Stage[Any]:
    """Make a stage that begins after so many bytes; it is to be told when it may `begin`.

    Of an effect on the way, not of one at connecting.
    """
    stage = _STAGES[type(effect)](effect, rng)
    return AfterBytesStage(stage, after_bytes) if after_bytes else stage
