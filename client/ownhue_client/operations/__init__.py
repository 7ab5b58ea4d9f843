"""What the owner can ask of a phone, as functions from JSON to JSON: the same for the command line and for pages."""
