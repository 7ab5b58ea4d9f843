"""Publisher: takes keys with a valid token and publishes them for everybody. Never learns whose they are."""
