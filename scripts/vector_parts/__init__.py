"""The parts of the test vectors: each module returns file names and what stands in them."""
