"""Booting Debian's kernel under QEMU and running one test inside. See tests/vm/run --help."""
