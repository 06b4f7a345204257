"""The Zarr layouts: the only package that knows paths inside a store.

archive: a store as one file, checked; members and files: read and written through Zarr and
xarray; one file for each kind of store besides.
"""
