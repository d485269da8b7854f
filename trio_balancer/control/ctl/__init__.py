"""`trio-balancerctl`: an operator's commands, sent to a running balancer by its runtime socket."""

from trio_balancer.control.ctl.program import main

__all__ = ["main"]
