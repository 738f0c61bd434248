"""What training found out, written for people: the report, the model card, and the figures behind both."""
