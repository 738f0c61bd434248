"""What `make demo`, the compose file and the tests share: brokers and receivers on loopback."""
