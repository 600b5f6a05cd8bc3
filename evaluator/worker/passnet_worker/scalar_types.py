"""The element types that calls and launches have, by the numbers of c10::ScalarType (c10/core/ScalarType.h; part of torch's
serialisation format, so they stay).

Threads: constants.
"""

import torch

NUMBERS = {
    "uint8": 0, "int8": 1, "int16": 2, "int32": 3, "int64": 4, "float16": 5, "float32": 6, "float64": 7,
    "bool": 11, "bfloat16": 15,
}
DTYPES = {number: getattr(torch, name) for name, number in NUMBERS.items()}
