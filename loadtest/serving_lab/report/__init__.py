"""What was found, for people who decide: a page and a document made from result files alone."""
