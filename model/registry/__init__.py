"""Where model versions are kept, and which of them is the champion: in a directory or an S3 bucket."""
