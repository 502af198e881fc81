"""The realistic load: users who log in, ask for predictions and check what they are told."""
