"""What a service costs to hold: its image, its start, its memory and CPU time, and its code: `lab footprint`."""
