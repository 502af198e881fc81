"""Result files: one envelope around what each command found, and one way to read and write it."""
