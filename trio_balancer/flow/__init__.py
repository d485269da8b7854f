"""The path of one connection: listen, admit, dial, bridge, record. `connection` tells it."""
