"""The balancer and its peers side by side: `python -m benchmarks`, on Linux.

backends   nginx and iperf3, where everything ends up
peers      what stands between: the balancer, HAProxy, nginx, and three small proxies
works      what is done through each peer, and the figures it gives
rounds     every work through every peer in turn, several times over
samples    the figures of all rounds: median, spread, ratio to HAProxy
bars       what the balancer must reach
table, report, plot    how it is told
"""
