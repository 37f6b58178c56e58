"""What the functional tests stand on: nodes, RPC, peers. Python's standard library only."""
