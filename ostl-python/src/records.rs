//! Named arrays as a Python dictionary and back: NumPy arrays by name, texts as `str`, bfloat16 by its bits as `uint16`.

use std::path::PathBuf;

use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use ostl_core::{Network, Record, checkpoint};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::arrays::{Scalar, array};
use crate::errors::{of_checkpoint, refuse};

/// What a piece of code makes of an entry, by its kind.
macro_rules! by_kind {
    ($record:ident, $name:ident, $values:ident => $result:expr) => {
        if let Some($values) = $record.values::<f32>($name) {
            $result
        } else if let Some($values) = $record.values::<f64>($name) {
            $result
        } else if let Some($values) = $record.values::<u8>($name) {
            $result
        } else if let Some($values) = $record.values::<u32>($name) {
            $result
        } else if let Some($values) = $record.values::<u64>($name) {
            $result
        } else if let Some($values) = $record.values::<bool>($name) {
            $result
        } else {
            return Err(refuse($name, "is of a kind that arrays do not have"));
        }
    };
}

/// All entries, copied.
pub(crate) fn to_dict<'py>(py: Python<'py>, record: &Record) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for name in record.names() {
        let shape = record.shape(name).unwrap_or_default();
        if let Some(text) = record.text(name) {
            dict.set_item(name, text)?;
        } else if let Some(bits) = record.bf16_bits(name) {
            dict.set_item(name, array(py, shape, bits)?)?;
        } else {
            dict.set_item(name, by_kind!(record, name, values => array(py, shape, values.to_vec())?))?;
        }
    }
    Ok(dict)
}

/// A record of what a dictionary holds.
pub(crate) fn of_dict(argument: &str, dict: &Bound<'_, PyDict>) -> PyResult<Record> {
    let mut record = Record::new();
    for (name, value) in dict.iter() {
        let name: String = name.extract().map_err(|_| refuse(argument, "expected names that are str"))?;
        if let Ok(text) = value.cast::<PyString>() {
            record.put_text(&name, text.to_string());
            continue;
        }
        let place = format!("{argument}[{name:?}]");
        let any = value.py().import("numpy")?.call_method1("require", (&value, value.py().None(), "CA"))?;
        let values = any.cast_into::<PyUntypedArray>().map_err(|error| refuse(&place, error))?;
        put(&mut record, &name, &values).map_err(|problem| refuse(&place, problem))?;
    }
    Ok(record)
}

fn put(record: &mut Record, name: &str, values: &Bound<'_, PyUntypedArray>) -> Result<(), String> {
    use numpy::{PyArrayDyn, PyArrayMethods};
    let shape = values.shape().to_vec();
    macro_rules! try_each {
        ($($scalar:ty),*) => {
            $(if let Ok(typed) = values.cast::<PyArrayDyn<$scalar>>() {
                let typed = typed.try_readonly().map_err(|error| error.to_string())?;
                record.put(name, &shape, typed.as_slice().map_err(|error| error.to_string())?.to_vec());
                return Ok(());
            })*
        };
    }
    try_each!(f32, f64, u8, u32, u64, bool);
    if let Ok(typed) = values.cast::<PyArrayDyn<u16>>() {
        let typed = typed.try_readonly().map_err(|error| error.to_string())?;
        record.put_bf16_bits(name, &shape, typed.as_slice().map_err(|error| error.to_string())?);
        return Ok(());
    }
    let found = char::from(values.dtype().kind());
    Err(format!(
        "expected float32, float64, uint8, uint16 (bfloat16 by its bits), uint32, uint64 or bool in the machine's byte order, found dtype {} ({found})",
        values.dtype()
    ))
}

/// The arrays of real numbers of a dictionary, in a learner's scalar, whichever they were given in.
pub(crate) fn weights_of_dict<T: Scalar>(argument: &str, dict: &Bound<'_, PyDict>) -> PyResult<Record> {
    let given = of_dict(argument, dict)?;
    let mut record = Record::new();
    for name in given.names() {
        let shape = given.shape(name).unwrap_or_default();
        if let Some(values) = given.values::<f64>(name) {
            record.put(name, shape, values.iter().map(|&value| T::from_f64(value)).collect());
        } else if let Some(values) = given.values::<f32>(name) {
            record.put(name, shape, values.iter().map(|&value| T::from_f64(f64::from(value))).collect());
        }
    }
    Ok(record)
}

/// The same for this network.
pub(crate) fn weights_of<T: Scalar>(_: &Network<T>, parameters: &Bound<'_, PyDict>) -> PyResult<Record> {
    weights_of_dict::<T>("parameters", parameters)
}

/// The bytes of a checkpoint of what a dictionary holds.
#[pyfunction]
pub(crate) fn encode_checkpoint<'py>(py: Python<'py>, state: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &checkpoint::encode(&of_dict("state", state)?)))
}

/// Everything that a checkpoint file holds, by name.
#[pyfunction]
pub(crate) fn read_checkpoint(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyDict>> {
    let record = py.detach(|| checkpoint::read(&path)).map_err(|error| of_checkpoint(&error))?;
    to_dict(py, &record)
}
