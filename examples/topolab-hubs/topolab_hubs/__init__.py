"""Growth at the hubs, a measure of how alike neurons are wired, and what shows it."""
