"""The prediction API on Litestar under uvicorn workers."""
