"""The device agent: one asyncio process that sends, listens, synchronises, decides, tells and forgets."""
