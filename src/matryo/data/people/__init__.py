"""Made-up people: attributes, two texts of each, how well two of them fit, and what is mined from that."""
