"""The two small models that come with the package, and what pretrained them."""
