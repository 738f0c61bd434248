"""The loop of `sklearn_batched`, which asks the model a record at a time, as one does who scores in a callback."""

from bench.contenders.sklearn_batched.run import main

if __name__ == "__main__":
    main(single=True)
