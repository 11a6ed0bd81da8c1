"""The way to the Hub: videos first, then the rows and the card that point at them."""
