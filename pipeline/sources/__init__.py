"""Sources of data: the pickle, the zip file, the publisher's release, pictures; and their conversion to a store."""
