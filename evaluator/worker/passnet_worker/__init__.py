"""The evaluator's worker: everything that needs Python and torch. See docs/worker_protocol.md."""
