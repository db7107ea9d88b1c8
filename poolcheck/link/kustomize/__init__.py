"""What Kustomize, Compose and Helm make of what lies in a project for several environments."""
