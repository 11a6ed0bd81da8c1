"""For tests of sources, this package's and others': what every source has to keep, in one place.

pytest is not imported: its fixtures are asked for by name.
"""

from video_sft.testing._contract import SourceContract
from video_sft.testing._known import known_while
from video_sft.testing._opened_files import opened_files

__all__ = ["SourceContract", "known_while", "opened_files"]
