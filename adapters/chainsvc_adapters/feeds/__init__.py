"""How rows arrive: each feed turns a source into sheets of numbered rows."""
