//! NumPy arrays of any layout as slices in C order: what lies right is borrowed, everything else is copied once by NumPy.

use numpy::{
    Element, PyArray, PyArray1, PyArrayDescrMethods, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArray,
};
use numpy::{PyUntypedArrayMethods, dtype};
use ostl_core::Real;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::errors::refuse;

/// A scalar that learners are made of.
pub(crate) trait Scalar: Real + Element {
    /// What NumPy calls it.
    const DTYPE: &str;
}

impl Scalar for f32 {
    const DTYPE: &str = "float32";
}

impl Scalar for f64 {
    const DTYPE: &str = "float64";
}

/// The values of an array in C order.
pub(crate) struct Values<'py, T: Element> {
    array: PyReadonlyArrayDyn<'py, T>,
}

impl<T: Element> Values<'_, T> {
    /// Lengths of the dimensions.
    pub(crate) fn shape(&self) -> &[usize] {
        self.array.shape()
    }

    /// All values, the last index fastest.
    pub(crate) fn slice(&self) -> PyResult<&[T]> {
        self.array.as_slice().map_err(|error| PyRuntimeError::new_err(error.to_string()))
    }
}

/// Real numbers of whatever kind as `T`. Anything else is a `ValueError` that names the argument.
pub(crate) fn floats<'py, T: Scalar>(argument: &str, given: &Bound<'py, PyAny>) -> PyResult<Values<'py, T>> {
    read(argument, given, "biuf", "an array of real numbers")
}

/// Whole numbers. Anything else is a `ValueError` that names the argument.
pub(crate) fn integers<'py>(argument: &str, given: &Bound<'py, PyAny>) -> PyResult<Values<'py, i64>> {
    read(argument, given, "iu", "an array of whole numbers")
}

/// Truth values. Anything else is a `ValueError` that names the argument.
pub(crate) fn truths<'py>(argument: &str, given: &Bound<'py, PyAny>) -> PyResult<Values<'py, bool>> {
    read(argument, given, "b", "an array of truth values (dtype bool)")
}

/// Whether it is an array of whole numbers, or a whole number.
pub(crate) fn is_integer(given: &Bound<'_, PyAny>) -> bool {
    match given.cast::<PyUntypedArray>() {
        Ok(array) => matches!(array.dtype().kind(), b'i' | b'u'),
        // NumPy's scalars are no `int`, and have what makes one an index.
        Err(_) => given.hasattr("__index__").unwrap_or(false),
    }
}

fn read<'py, T: Element>(
    argument: &str,
    given: &Bound<'py, PyAny>,
    kinds: &str,
    expected: &str,
) -> PyResult<Values<'py, T>> {
    if let Ok(array) = given.cast::<PyArrayDyn<T>>()
        && let Ok(array) = array.try_readonly()
        && array.is_c_contiguous()
        && array.as_slice().is_ok()
    {
        return Ok(Values { array });
    }
    let py = given.py();
    let any = numpy_function(py, &AS_ARRAY, "asarray")?.call1((given,));
    let any = any.map_err(|error| refuse(argument, format!("expected {expected}; NumPy says: {}", error.value(py))))?;
    let array = any.cast_into::<PyUntypedArray>().map_err(|_| refuse(argument, format!("expected {expected}")))?;
    let kind = char::from(array.dtype().kind());
    if !kinds.contains(kind) {
        return Err(refuse(argument, format!("expected {expected}, found dtype {}", array.dtype())));
    }
    // In C order, aligned, in the machine's byte order.
    let fitting = numpy_function(py, &REQUIRE, "require")?.call1((array, dtype::<T>(py), "CA"))?;
    let array = fitting.cast_into::<PyArrayDyn<T>>().map_err(|error| refuse(argument, error))?;
    let array = array.try_readonly().map_err(|error| refuse(argument, error))?;
    Ok(Values { array })
}

static AS_ARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static REQUIRE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

fn numpy_function<'py>(py: Python<'py>, cell: &'static PyOnceLock<Py<PyAny>>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    let function = cell.get_or_try_init(py, || py.import("numpy")?.getattr(name).map(Bound::unbind))?;
    Ok(function.bind(py).clone())
}

/// A new array of this shape.
pub(crate) fn array<'py, T: Element>(py: Python<'py>, shape: &[usize], values: Vec<T>) -> PyResult<Bound<'py, PyAny>> {
    let flat = PyArray1::from_vec(py, values);
    if shape.len() == 1 { Ok(flat.into_any()) } else { Ok(flat.reshape(shape.to_vec())?.into_any()) }
}

/// A new array of one or two dimensions from rows: what a step returns.
pub(crate) fn rows<'py, 'a, T: Element + Copy + 'a>(
    py: Python<'py>,
    is_flat: bool,
    [count, length]: [usize; 2],
    row: impl Fn(usize) -> &'a [T],
) -> PyResult<Bound<'py, PyAny>> {
    if is_flat {
        return Ok(PyArray1::from_slice(py, row(0)).into_any());
    }
    // Every value is written below, zeros never show.
    let array = PyArray::<T, _>::zeros(py, [count, length], false);
    {
        let mut writable = array.readwrite();
        let values = writable.as_slice_mut().map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        values.chunks_exact_mut(length).enumerate().for_each(|(index, to)| to.copy_from_slice(row(index)));
    }
    Ok(array.into_any())
}

/// `(2, 3)`, as Python writes a shape.
pub(crate) fn written(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// `ValueError` for a shape that is not the one expected.
pub(crate) fn wrong_shape(argument: &str, expected: &str, found: &[usize]) -> PyErr {
    refuse(argument, format!("expected shape {expected}, found {}", written(found)))
}
