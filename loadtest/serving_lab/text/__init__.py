"""What people write and read: YAML files in, words and numbers out."""
