"""Media pools: the only place that knows directories. From a row's `video_path` to a file the user has."""

from video_sft._media.attach import MISSING_POLICIES, Location, MediaPlaces, MediaPools, MissingPolicy
from video_sft._media.by_pool import media_by_pool

__all__ = ["MISSING_POLICIES", "Location", "MediaPlaces", "MediaPools", "MissingPolicy", "media_by_pool"]
