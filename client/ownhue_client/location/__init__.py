"""Where the phone is, and was: sources, imported histories, stay points. Off until the owner says so."""
