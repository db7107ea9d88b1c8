"""From Python source to the pools that it makes and the connections that it takes. Only this imports libcst."""
