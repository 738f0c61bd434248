"""The model in service: numpy and msgspec only, nothing that learns."""
