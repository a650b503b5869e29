"""Compiled loops over bytes and numbers: numba, and what it takes to use it well."""

from groundup.kernels.compiling import compiling_note, kernel

__all__ = ["compiling_note", "kernel"]
