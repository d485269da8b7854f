"""What faults do to the bytes of one way: a stage for each type; see `stage` for what one is."""

from trio_balancer.faults.stages.make import make_stage
from trio_balancer.faults.stages.stage import CHUNK, Cut, End, Item, Stage, cost

__all__ = ["CHUNK", "Cut", "End", "Item", "Stage", "cost", "make_stage"]
