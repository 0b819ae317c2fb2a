"""fanfold: fan out the work, fold in the results."""
