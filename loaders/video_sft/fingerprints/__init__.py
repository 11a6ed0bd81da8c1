"""Fingerprints of what videos show, which transcodes of the same footage share; needs no `datasets`."""

from video_sft.fingerprints._hashing import BITS, fingerprint
from video_sft.fingerprints._near import SAME_BITS, FingerprintIndex, differing_bits

__all__ = ["BITS", "SAME_BITS", "FingerprintIndex", "differing_bits", "fingerprint"]
