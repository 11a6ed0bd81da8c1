"""A fuzzer that bends videos and reads them: ``python tests/video/fuzz.py ROUNDS VIDEO...`` prints a report as JSON.

Runs in a process of its own, so that a crash or a runaway is seen from outside. Each bent file is named on standard
error before it is read, as ``VIDEO NUMBER``; ``bent(VIDEO, NUMBER)`` makes it again.
"""

from __future__ import annotations

import faulthandler
import json
import random
import resource
import struct
import sys
import time
from pathlib import Path
from typing import Any

from video_sft.errors import VideoError
from video_sft.video import Clip

BOXES = [
    box.encode()
    for box in (  # noqa: SIM905
        "moov trak stts ctts stsz stsc stco stss elst mvhd tkhd mdhd stsd avcC hvcC av1C hdlr mdia avc1 mp4a esds "
        "moof mfhd tfhd tfdt trun mvex trex mfra sidx mdat"
    ).split()
]
#: EBML ids of Matroska: segment, seek head, info, clock, duration, tracks, track, video, width, height, codec and its
#: set-up, frame length, cluster, time, blocks, cues.
ELEMENTS = [
    bytes.fromhex(element)
    for element in (  # noqa: SIM905
        "18538067 114D9B74 1549A966 2AD7B1 4489 1654AE6B AE E0 B0 BA 86 63A2 23E383 1F43B675 E7 A3 A0 A1 9B 1C53BB6B B3"
    ).split()
]
CHUNKS = [chunk.encode() for chunk in "RIFF LIST hdrl avih strl strh strf movi 00dc idx1 odml dmlh".split()]  # noqa: SIM905
#: Start codes of MPEG and H.264, the names and tags of FLV, the blocks of GIF.
OTHERS = [
    *(b"\0\0\1" + bytes([code]) for code in (0xBA, 0xBB, 0xE0, 0xB3, 0xB5, 0xB8, 0x00, 0x67, 0x68, 0x65)),
    *(b"FLV\1", b"onMetaData", b"duration", b"width", b"filesize", b"\x09\0", b"\x08\0"),
    *(b"GIF89a", b"\x21\xf9\x04", b"\x2c\0\0"),
]
NUMBERS = [0, 1, 2, 7, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1]


def names_in(data: bytes) -> list[bytes]:
    """Return what marks the numbers of a container in a file of its kind."""
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return ELEMENTS
    if data.startswith(b"RIFF"):
        return CHUNKS
    return BOXES if data[4:8] == b"ftyp" else OTHERS


def number_place(data: bytes, rng: random.Random) -> int | None:
    """Return where a number of the container's structure lies, or one near to it."""
    names = [name for name in names_in(data) if name in data]
    if data[:1] == b"\x47" and data[188:189] == b"\x47":  # the four bytes of flags that each packet of TS begins with
        return rng.randrange(len(data) // 188) * 188 + rng.randrange(12)
    if not names:
        return None
    name = rng.choice(names)
    at = data.find(name, rng.choice([0, rng.randrange(len(data))]))
    at = data.find(name) if at < 0 else at
    if data[4:8] == b"ftyp":
        return at + rng.choice([-4, 4, 8, 12, 16, 20, 24])
    return at + len(name) + rng.randrange(12)


def bend(data: bytes, rng: random.Random) -> bytes:
    """Return the file with one kind of damage, sometimes several."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        data = _bend_once(data, rng) or data
    return data


def _bend_once(data: bytes, rng: random.Random) -> bytes:
    bent, size = bytearray(data), len(data)
    at, length = rng.randrange(size), rng.choice([1, 7, 64, 1000, 20_000])
    way = rng.choice(["flip", "cut", "zero", "noise", "insert", "delete", "number", "number", "number", "swap"])
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
        place = number_place(data, rng)
        place = at % max(1, min(size, 300)) if place is None else max(0, place)
        number = struct.pack(rng.choice("<>") + "I", rng.choice([*NUMBERS, rng.getrandbits(32)]))
        width = rng.choice([4, 4, 2, 1])
        bent[place : place + width] = number[:width]
    else:
        other = rng.randrange(size)
        bent[at : at + length], bent[other : other + length] = bent[other : other + length], bent[at : at + length]
    return bytes(bent)


def bent(path: str | Path, number: int) -> bytes:
    """Make one of a video's bent copies."""
    data = Path(path).read_bytes()
    return bend(data, generator(data, number))


def generator(data: bytes, number: int) -> random.Random:
    """Return the random numbers of one bent copy."""
    return random.Random(f"{len(data)} {number}")


def read(data: bytes, rng: random.Random) -> None:
    """Ask a file for what users ask for, in one of the ways there are."""
    clip = Clip(data)
    facts = clip.metadata
    choices: list[dict[str, Any]] = [
        {"indices": [rng.randrange(min(facts.num_frames, 10_000)) for _ in range(3)]},
        {"times": [facts.begin_seconds + max(0.0, facts.duration_seconds) * rng.random() for _ in range(3)]},
        {"count": 3, "method": rng.choice(["midpoints", "endpoints", "random"]), "seed": 0},
        {"fps": 2.0, "max_frames": 4},
        {"fps": 1.0},
    ]
    try:
        clip.frames(**rng.choice(choices), on_error=rng.choice(["raise", "nearest"]), size=(32, 32))
    finally:
        if facts.audio is not None:
            begin = rng.choice([None, facts.begin_seconds + 0.3])
            part = clip.part(begin, rng.choice([None, facts.begin_seconds + 0.9]))
            part.audio(**rng.choice([{}, {"sampling_rate": None, "mono": False}]))


def peak_kilobytes() -> int:
    """Return the most memory this process had; where the system only tells it so, that of the one that began it too."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    return found[0] if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(rounds: int, paths: list[str]) -> dict[str, object]:
    """Read so many bent copies of each video."""
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    faulthandler.enable()
    counts = {"files": 0, "read": 0, "refused": 0}
    errors, slowest = list[str](), (0.0, "")
    for path in paths:
        data = Path(path).read_bytes()
        for number in range(rounds):
            rng = generator(data, number)
            bent_data = bend(data, rng)
            name = f"{path} {number}"
            print(name, file=sys.stderr, flush=True)
            faulthandler.dump_traceback_later(120, exit=True)
            began = time.monotonic()
            try:
                read(bent_data, rng)
                counts["read"] += 1
            except VideoError:
                counts["refused"] += 1
            except Exception as error:  # noqa: BLE001 - any other error is what this looks for
                errors.append(f"{name}: {type(error).__name__}: {error}")
            counts["files"] += 1
            slowest = max(slowest, (time.monotonic() - began, name))
    faulthandler.cancel_dump_traceback_later()
    megabytes = peak_kilobytes() // 1024
    seconds, name = slowest
    return counts | {
        "other_errors": errors,
        "slowest_seconds": round(seconds, 1),
        "slowest": name,
        "megabytes": megabytes,
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2:])))
