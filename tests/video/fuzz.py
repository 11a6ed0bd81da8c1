"""Bend videos in every way and read them: ``python tests/video/fuzz.py ROUNDS VIDEO...``; prints a report as JSON.

Runs in a process of its own, so that a crash or a runaway is seen from outside.
"""

from __future__ import annotations

import json
import random
import resource
import struct
import sys
import time

from video_sft.errors import VideoError
from video_sft.video import Clip

BOXES = [
    box.encode()
    for box in (  # noqa: SIM905
        "moov trak stts ctts stsz stsc stco stss elst mvhd tkhd mdhd stsd avcC hvcC hdlr mdia avc1"
    ).split()
]
NUMBERS = [0, 1, 2, 7, 2**31 - 1, 2**31, 2**32 - 1]


def bend(data: bytes, rng: random.Random) -> bytes:
    """Return the file with one kind of damage."""
    bent, size = bytearray(data), len(data)
    at, length = rng.randrange(size), rng.choice([1, 7, 64, 1000, 20_000])
    way = rng.choice(["flip", "cut", "zero", "noise", "insert", "delete", "number", "number", "swap"])
    if way == "flip":
        for _ in range(rng.choice([1, 3, 10, 100])):
            bent[rng.randrange(size)] ^= 1 << rng.randrange(8)
    elif way == "cut":
        del bent[at:]
    elif way == "zero":
        bent[at : at + length] = bytes(len(bent[at : at + length]))
    elif way == "noise":
        bent[at : at + length] = rng.randbytes(len(bent[at : at + length]))
    elif way == "insert":
        bent[at:at] = rng.randbytes(length)
    elif way == "delete":
        del bent[at : at + length]
    elif way == "number":
        places = [bent.find(box) for box in BOXES if box in bent]
        at = rng.choice(places) + rng.choice([-4, 4, 8, 12, 16, 20, 24]) if places else at % max(1, min(size, 300))
        bent[max(0, at) : max(0, at) + 4] = struct.pack(">I", rng.choice([*NUMBERS, rng.getrandbits(32)]))
    else:
        other = rng.randrange(size)
        bent[at : at + length], bent[other : other + length] = bent[other : other + length], bent[at : at + length]
    return bytes(bent)


def main(rounds: int, paths: list[str]) -> dict[str, object]:
    """Read so many bent copies of each video."""
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    report: dict[str, object] = {"files": 0, "read": 0, "refused": 0}
    errors, slowest = [], 0.0
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()
        for number in range(rounds):
            rng = random.Random(f"{len(data)} {number}")
            began = time.monotonic()
            try:
                clip = Clip(bend(data, rng))
                total = clip.metadata.num_frames
                indices = [rng.randrange(min(total, 10_000)) for _ in range(3)]
                clip.frames(indices=indices, on_error=rng.choice(["raise", "nearest"]), size=(32, 32))
                report["read"] += 1  # type: ignore[operator]
            except VideoError:
                report["refused"] += 1  # type: ignore[operator]
            except Exception as error:  # noqa: BLE001 - any other error is what this looks for
                errors.append(f"{path} {number}: {type(error).__name__}: {error}")
            report["files"] += 1  # type: ignore[operator]
            slowest = max(slowest, time.monotonic() - began)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return report | {"other_errors": errors, "slowest_seconds": round(slowest, 1), "megabytes": megabytes}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2:])))
