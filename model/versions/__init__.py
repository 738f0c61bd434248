"""Model versions on disk: written whole, signed, and read only if nothing in them was altered."""
