"""The Zarr layouts. Only this package knows paths inside a store.

archive holds a store as one checked file; members and files read and write stores through Zarr
and xarray; each kind of store has its own module.
"""
