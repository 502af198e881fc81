"""The manifests for Kubernetes, made of what compose.yaml, .env.example, services/Dockerfile and the catalogue say."""
