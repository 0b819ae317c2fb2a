"""The checks of :class:`fanfold.testing.StoreConformance`, one file for each concern."""
