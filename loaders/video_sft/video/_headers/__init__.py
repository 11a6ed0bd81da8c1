"""Facts that containers state of their packets: MP4 and Matroska read directly, everything else through libav."""
