"""The Zarr layouts: the only package that knows paths inside a store.

files: publishing, opening and verifying; one file for each kind of store besides.
"""
