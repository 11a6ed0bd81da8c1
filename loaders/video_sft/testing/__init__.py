"""For tests of sources, this package's and others': what every source has to keep, in one place.

pytest is not imported: its fixtures are asked for by name.
"""

from video_sft.testing.contract import SourceContract
from video_sft.testing.known import known_while
from video_sft.testing.opened_files import opened_files

__all__ = ["SourceContract", "known_while", "opened_files"]
