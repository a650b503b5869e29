"""groundup: build a large language model from the ground up.

Raw text in, a working model out, with every part readable. ARCHITECTURE.md is the map;
``groundup --help`` lists the commands. Importing this package imports nothing heavy.
"""

__version__ = "0.1.0"
