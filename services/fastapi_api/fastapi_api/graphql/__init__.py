"""The API as GraphQL: the same model, rules and messages behind one endpoint, POST /graphql."""
