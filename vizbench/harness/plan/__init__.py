"""What will be measured: trials, suites, settings of a plan file, augmentation, the models asked for."""
