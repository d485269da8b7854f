"""HAProxy's runtime commands and statistics, spoken for this balancer.

A listener is what HAProxy calls a frontend, a pool a backend, and a backend a server.
"""
