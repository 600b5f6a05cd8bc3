"""The evaluator's worker: everything that needs Python and torch. See docs/architecture.md, sections 2 and 3."""
