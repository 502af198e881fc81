"""What people write and record: profiles, corpora, intended differences, HAR files and logs."""
