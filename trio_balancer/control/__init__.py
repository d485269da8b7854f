"""What operators do with a running balancer: look, drain, change, reload."""
