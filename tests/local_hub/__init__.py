"""A Hub of our own for tests: enough of the real protocol for the real `huggingface_hub` and `datasets` clients.

    with LocalHub(folder) as hub:
        hub.add_repo("org/data", {"train.parquet": b"..."})
        with hub.attached():                                  # this process talks to it
            datasets.load_dataset("org/data")
        subprocess.run([...], env=hub.environment())          # and so may another one
        hub.fail("GET", "*/resolve/*", status=503)            # the next such request fails once
        assert hub.bytes_sent("*.mp4") == 0

`huggingface_hub` and `datasets` read `HF_ENDPOINT` once, when they are imported, so setting the variable in a running
process does nothing: `attached` replaces the values they read, and a subprocess takes them from `environment`.

Files travel by the LFS protocol: Xet, which the clients prefer where `hf_xet` is installed, is switched off either way,
unless `with xet_uploads(hub.blobs)` stands in for it, by which the client's own pipeline spreads folders over commits.
"""

from .faults import Fault
from .hub import LocalHub, Served
from .limits import REAL_QUOTAS, Limits, Quota
from .store import Commit, Entry, Repo
from .xet import pipeline_is_there, xet_uploads

__all__ = [
    "REAL_QUOTAS",
    "Commit",
    "Entry",
    "Fault",
    "Limits",
    "LocalHub",
    "Quota",
    "Repo",
    "Served",
    "pipeline_is_there",
    "xet_uploads",
]
