"""The client pools that a project makes, and where they lead."""
