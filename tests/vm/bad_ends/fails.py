"""A test that fails with a code of its own."""

raise SystemExit(3)
