"""Numbers of a finished model: bits per byte of held-out text, share of samples that parse."""

from groundup.evaluate.bits_per_byte import BitsPerByte, bits_per_byte
from groundup.evaluate.python_syntax import PythonSyntax, python_syntax

__all__ = ["BitsPerByte", "PythonSyntax", "bits_per_byte", "python_syntax"]
