"""Makes the worker's packages importable, with the one thread that every fork needs."""

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "evaluator" / "worker"))
