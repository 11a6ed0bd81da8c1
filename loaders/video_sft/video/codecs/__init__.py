"""What the headers of coded pictures say, without decoding them."""
