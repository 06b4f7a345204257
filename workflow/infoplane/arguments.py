"""Read the arguments of the Python API: arrays, tensors, tables and lists of rows.

Numbers become float32 if that type represents each of them exactly, and float64 otherwise;
labels become codes. An argument that would lose something on the way (a mask, imaginary parts,
digits) raises an error that names it.
"""

from __future__ import annotations

import numpy as np
import torch

LARGEST_INTEGER = 2**53
"""float64 holds every integer up to here, and not the next one."""


def read(values, name: str) -> torch.Tensor | np.ndarray:
    """A dense tensor or an array of any type, with the caller's meaning.

    Raises ValueError that names the argument if it is masked, sparse or not an array.
    """
    if isinstance(values, list | tuple):
        values = _of_list(values, name)
    if isinstance(values, torch.Tensor):
        return _plain(values, name)
    if np.ma.isMaskedArray(values):
        _refuse_masked(np.ma.getmaskarray(values).sum(), name)
        values = values.data
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _unreadable(values, name, f": {error}") from error
    if array.dtype == object and array.ndim == 0:
        sparse = hasattr(values, "toarray")
        raise _unreadable(values, name, f"; {name}.toarray() is dense" if sparse else "")
    if array.dtype.kind == "f" and hasattr(values, "select_dtypes"):
        # in a table with fractions, pandas turned integers into fractions
        _refuse_large(np.asarray(values.select_dtypes("integer")), name)
    return array


def numbers(values, name: str) -> torch.Tensor:
    """A tensor of the same shape, float32 or float64, on the CPU or a GPU, without gradient.

    Raises ValueError that names the argument if a value is not a number, or if float64 cannot
    hold it.
    """
    values = read(values, name)
    if isinstance(values, torch.Tensor):
        _refuse_complex(values.is_complex(), name)
        if not values.is_floating_point() and values.itemsize == 8:
            _refuse_large(values.cpu().numpy(), name)
        return values.to(common_type(values))
    values = _numeric(values, name)
    dtype = np.promote_types(values.dtype, np.float32).newbyteorder("=")
    found = values.astype(dtype if dtype.itemsize <= 8 else np.float64, copy=False)
    if dtype.itemsize > 8 and ((found != values) & (values == values)).any():
        raise ValueError(
            f"{name} has more digits than float64, which is the widest type here; round it "
            f"yourself, for example {name}.astype(float)"
        )
    flags = found.flags
    whole_steps = all(step >= 0 and step % found.itemsize == 0 for step in found.strides)
    if not (flags.writeable and flags.aligned and whole_steps):
        found = found.copy()  # torch cannot share such memory
    return torch.from_numpy(found)


def common_type(*tensors: torch.Tensor) -> torch.dtype:
    """float32 if it holds every value of these tensors' types, else float64."""
    narrow = all(t.itemsize <= (4 if t.is_floating_point() else 2) for t in tensors)
    return torch.float32 if narrow else torch.float64


def label_codes(y, name: str = "y", fractions: str = "") -> torch.Tensor:
    """Class codes 0 … n_classes − 1, int64 (n_inputs,) on the CPU. Labels may have any discrete
    type and be (n_inputs,) or a column (n_inputs, 1).

    fractions : text for the message: what to do if labels are fractions
    """
    y = read(y, name)
    if isinstance(y, torch.Tensor):
        _refuse_complex(y.is_complex(), name)
        y = (y.to(common_type(y)) if y.is_floating_point() else y).cpu().numpy()
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1:
        one_hot = f"; rows with a 1 at their class are labels by {name}.argmax(1)"
        raise ValueError(
            f"{name} must hold one label per input, shape (n_inputs,); its shape is "
            f"{tuple(y.shape)}{one_hot if y.ndim == 2 else ''}"
        )
    _refuse_complex(y.dtype.kind == "c", name)
    _refuse_missing(_missing(y), name)
    if y.dtype.kind == "f" and not np.array_equal(y, np.floor(y)):
        raise ValueError(f"{name} must hold class labels; it holds fractions{fractions}")
    try:
        codes = np.unique(y, return_inverse=True)[1]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} holds labels that cannot be put in order ({error}); convert them to one "
            "type, for example text"
        ) from error
    return torch.from_numpy(codes.astype(np.int64))


def _of_list(values: list | tuple, name: str):
    """The list, or one tensor or masked array if its rows are tensors or masked arrays."""
    if any(np.ma.isMaskedArray(row) for row in values):
        _refuse_masked(sum(np.ma.getmaskarray(row).sum() for row in values), name)
    if not any(isinstance(row, torch.Tensor) for row in values):
        return values
    if not all(isinstance(row, torch.Tensor) for row in values):
        raise _unreadable(values, name, ": some of its rows are tensors, and others are not")
    rows = [_plain(row, name) for row in values]
    if len({row.shape for row in rows}) > 1 or rows[0].ndim > 1:
        shapes = ", ".join(str(tuple(row.shape)) for row in rows[:3])
        raise ValueError(
            f"{name} is a list of tensors of shapes {shapes}{', …' if len(rows) > 3 else ''}; "
            f"tensors of several rows each, such as batches, are joined by torch.cat({name})"
        )
    return torch.stack(rows)


def _plain(values: torch.Tensor, name: str) -> torch.Tensor:
    """The same numbers as an ordinary tensor on the CPU or a GPU."""
    if isinstance(values, torch.masked.MaskedTensor):
        _refuse_masked((~values.get_mask()).sum(), name)
        values = values.get_data()
    if values.is_meta:
        raise ValueError(f"{name} is a tensor on the device meta, which has no values")
    if values.layout != torch.strided:
        raise ValueError(
            f"{name} must be dense, and its layout is {values.layout}; give {name}.to_dense()"
        )
    values = values.dequantize() if values.is_quantized else values
    values = values.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg()
    return values if values.device.type in ("cpu", "cuda") else values.cpu()


def _numeric(array: np.ndarray, name: str) -> np.ndarray:
    """The array with booleans, integers or real numbers."""
    if array.dtype == object:
        array = _of_objects(array, name)
    kind = array.dtype.kind
    _refuse_complex(kind == "c", name)
    if kind in "mM":
        raise ValueError(
            f"{name} holds dates or durations ({array.dtype}); make numbers of them, for "
            f"example ({name} - {name}.min()) / numpy.timedelta64(1, 's')"
        )
    if kind not in "biuf":
        what = "text" if kind in "SUT" else f"{array.dtype}"
        raise ValueError(f"{name} must hold numbers; it holds {what}")
    _refuse_large(array, name)
    return array


def _of_objects(array: np.ndarray, name: str) -> np.ndarray:
    """Numbers from an array of Python objects, which tables of several types give."""
    items = array.ravel().tolist()
    _refuse_missing(np.array([_is_missing(item) for item in items], bool), name)
    if not all(isinstance(item, _NUMBERS) for item in items):
        kinds = ", ".join(
            sorted({type(i).__name__ for i in items if not isinstance(i, _NUMBERS)})
        )
        raise ValueError(f"{name} must hold numbers; it holds {kinds}")
    # NumPy turns integers into fractions if one value is a fraction.
    integers = (int(i) for i in items if isinstance(i, int | np.integer))
    _refuse_beyond(any(abs(i) > LARGEST_INTEGER for i in integers), name)
    return np.array(items).reshape(array.shape)


_NUMBERS = (bool, int, float, complex, np.number, np.bool)


def _missing(y: np.ndarray) -> np.ndarray:
    """(n,) whether a label is NaN, infinite, None, pandas' NA or no date."""
    if y.dtype.kind == "f":
        return ~np.isfinite(y)
    if y.dtype.kind in "mM":
        return np.isnat(y)
    if y.dtype.kind in "OT":
        return np.array([_is_missing(label) for label in y.tolist()], bool)
    return np.zeros(len(y), bool)


def _is_missing(value) -> bool:
    if value is None or value is np.ma.masked:
        return True
    try:
        return bool(value != value)
    except TypeError:  # pandas' NA is neither equal to itself nor different
        return True
    except ValueError:  # an array
        return False


def _refuse_missing(missing: np.ndarray, name: str) -> None:
    if missing.any():
        raise ValueError(
            f"{int(missing.sum())} of {missing.size} values of {name} are missing (NaN, "
            "infinite, None or NA); leave out these rows of all arguments"
        )


def _refuse_masked(n: int, name: str) -> None:
    if n:
        raise ValueError(
            f"{name} has {int(n)} masked values, which cannot be measured; leave out these "
            "rows of all arguments, or fill them"
        )


def _refuse_complex(is_complex: bool, name: str) -> None:
    if is_complex:
        raise ValueError(
            f"{name} is complex; give real numbers, for example real and imaginary part side "
            f"by side: numpy.hstack([{name}.real, {name}.imag])"
        )


def _refuse_large(array: np.ndarray, name: str) -> None:
    is_wide = array.dtype.kind in "iu" and array.itemsize == 8
    beyond = is_wide and ((array > LARGEST_INTEGER) | (array < -LARGEST_INTEGER)).any()
    _refuse_beyond(beyond, name)


def _refuse_beyond(beyond: bool, name: str) -> None:
    if beyond:
        raise ValueError(
            f"{name} holds integers beyond 2^53, which float64 does not distinguish; subtract "
            f"an offset first, for example {name} - {name}.min()"
        )


def _unreadable(values, name: str, why: str) -> ValueError:
    return ValueError(
        f"{name} must be an array, a tensor, a table of pandas or xarray, or a list of rows, "
        f"and this {type(values).__name__} is none{why}"
    )
