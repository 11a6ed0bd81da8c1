"""Eight video instruction and video-QA sources as one `datasets` package."""
