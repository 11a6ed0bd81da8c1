"""What containers say of their packets: MP4, Matroska and AVI read directly, everything else through libav."""
