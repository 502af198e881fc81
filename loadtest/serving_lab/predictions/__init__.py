"""What a model was asked and what it said: prediction logs, and how far two populations of numbers lie apart."""
