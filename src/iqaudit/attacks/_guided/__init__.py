"""The guided attack: patterns over the whole picture, then a search that learns what pays."""
