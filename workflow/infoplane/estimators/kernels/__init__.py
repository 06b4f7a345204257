"""What methods compute with: distances, neighbours, counts, scales; nothing here estimates."""
