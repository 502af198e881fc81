"""Plots as SVG, drawn into the page: without scripts, coloured by its style."""
