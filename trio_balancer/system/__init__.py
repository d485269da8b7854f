"""How the process fits into a system: who started it, whom it tells, and as whom it runs.

Only the command line uses this room: `serve` also runs inside other people's processes.
"""
