"""What is known of libraries, as tables: what makes pools and connections, and on what terms each is taken."""
