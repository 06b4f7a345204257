"""What estimators say of the same layer in other coordinates: true information stays."""
