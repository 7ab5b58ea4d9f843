"""Issuer: enrols devices and blind-signs their passes. Never learns a colour, a place or when a pass is shown."""
