"""Define the two small models that come with the package, and pretrain them."""
