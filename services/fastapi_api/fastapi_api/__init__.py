"""The prediction API as it will be: FastAPI under uvicorn workers."""
