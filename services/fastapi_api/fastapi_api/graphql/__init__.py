"""The API as GraphQL: the same model, rules and words behind one endpoint, POST /graphql."""
