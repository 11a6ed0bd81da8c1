"""WebDataset and MDS exports, read back by these libraries. Runs in an environment with both and this package.

Usage: python with_shards.py TESTS
"""

from __future__ import annotations

import sys

import pytest
from tiny_models import mend_imports

if __name__ == "__main__":
    mend_imports()
    raise SystemExit(pytest.main(["-q", "-W", "default", *sys.argv[1:]]))
