"""Figures for papers, drawn by matplotlib: what they have in common."""
