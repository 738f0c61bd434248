"""Real servers on loopback that stand where the providers do, and remember what they received.

Each speaks its provider's protocol to the same client that reaches the provider in production.
"""
