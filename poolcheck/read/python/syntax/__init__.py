"""Python source as pieces, trees and names, as its syntax alone tells."""
