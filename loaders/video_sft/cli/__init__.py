"""The `video-sft` command."""

from video_sft.cli.app import main

__all__ = ["main"]
