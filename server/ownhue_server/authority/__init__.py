"""Authority: knows who tested positive; hands out claim codes, report tokens and tickets. Never sees a key."""
