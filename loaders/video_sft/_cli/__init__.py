"""The `video-sft` command."""

from video_sft._cli.app import main

__all__ = ["main"]
