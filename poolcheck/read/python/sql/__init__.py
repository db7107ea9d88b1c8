"""The SQL that a module executes, on whose connections, and in which transactions."""
