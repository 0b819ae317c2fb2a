"""The checks of backends, by what they are about; :mod:`.suite` puts them together."""
