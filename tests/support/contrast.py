"""The contrast of two colours, as the Web Content Accessibility Guidelines compute it."""

from __future__ import annotations

Colour = tuple[int, int, int]

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)


def luminance(colour: Colour) -> float:
    """The relative luminance of a colour of sRGB, whose parts are 0 to 255."""
    parts = (part / 255 for part in colour)
    lights = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * light for weight, light in zip((0.2126, 0.7152, 0.0722), lights, strict=True))


def contrast(one: Colour, other: Colour) -> float:
    """The contrast, from 1 to 21; text is readable from 4.5 on."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)
