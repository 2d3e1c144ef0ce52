"""Published quality models, and the networks that they are built from."""
