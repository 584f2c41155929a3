"""Whatever becomes a store: the pickle, the zip file, the publisher's release, pictures; and the two conversions."""
