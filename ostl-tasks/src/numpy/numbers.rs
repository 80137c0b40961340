//! Lists of numbers in as few bytes as they need.

use std::ops::Range;

/// A list of numbers, as small as the file's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Numbers {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    F32(Vec<f32>),
}

/// The same for a list of every type.
macro_rules! each {
    ($numbers:expr, $list:ident => $result:expr) => {
        match $numbers {
            Numbers::U8($list) => $result,
            Numbers::I8($list) => $result,
            Numbers::U16($list) => $result,
            Numbers::I16($list) => $result,
            Numbers::I32($list) => $result,
            Numbers::F32($list) => $result,
        }
    };
}

impl Numbers {
    pub(crate) fn len(&self) -> usize {
        each!(self, list => list.len())
    }

    /// Whether the type is one of whole numbers.
    pub(crate) fn are_whole(&self) -> bool {
        !matches!(self, Numbers::F32(_))
    }

    /// Writes the numbers of a range.
    pub(crate) fn copy(&self, range: Range<usize>, to: &mut [f32]) {
        fn convert<T: Copy + Into<f32>>(list: &[T], to: &mut [f32]) {
            to.iter_mut().zip(list).for_each(|(to, &number)| *to = number.into());
        }
        match self {
            Numbers::U8(list) => convert(&list[range], to),
            Numbers::I8(list) => convert(&list[range], to),
            Numbers::U16(list) => convert(&list[range], to),
            Numbers::I16(list) => convert(&list[range], to),
            Numbers::I32(list) => to.iter_mut().zip(&list[range]).for_each(|(to, &number)| *to = number as f32),
            Numbers::F32(list) => to.copy_from_slice(&list[range]),
        }
    }

    /// The first number of a range that is not finite.
    pub(crate) fn first_not_finite(&self, range: Range<usize>) -> Option<usize> {
        match self {
            Numbers::F32(list) => {
                list[range.clone()].iter().position(|number| !number.is_finite()).map(|at| range.start + at)
            }
            _ => None,
        }
    }

    /// The first number of a range that is the least or the largest of its 32 bits.
    pub(crate) fn first_extreme(&self, range: Range<usize>) -> Option<usize> {
        match self {
            Numbers::F32(list) => {
                list[range.clone()].iter().position(|number| number.abs() == f32::MAX).map(|at| range.start + at)
            }
            Numbers::I32(list) => {
                let extreme = |number: &i32| matches!(*number, i32::MIN | i32::MAX);
                list[range.clone()].iter().position(extreme).map(|at| range.start + at)
            }
            _ => None,
        }
    }

    /// One number.
    pub(crate) fn get(&self, index: usize) -> f64 {
        each!(self, list => f64::from(list[index]))
    }

    /// The same numbers in C's order, of an array whose numbers lie in Fortran's (the first index fastest).
    pub(crate) fn in_c_order(self, shape: &[usize]) -> Self {
        match self {
            Numbers::U8(list) => Numbers::U8(in_c_order(&list, shape)),
            Numbers::I8(list) => Numbers::I8(in_c_order(&list, shape)),
            Numbers::U16(list) => Numbers::U16(in_c_order(&list, shape)),
            Numbers::I16(list) => Numbers::I16(in_c_order(&list, shape)),
            Numbers::I32(list) => Numbers::I32(in_c_order(&list, shape)),
            Numbers::F32(list) => Numbers::F32(in_c_order(&list, shape)),
        }
    }
}

fn in_c_order<T: Copy>(list: &[T], shape: &[usize]) -> Vec<T> {
    let mut place = vec![0; shape.len()];
    let mut next = || {
        let from = place.iter().zip(shape).rev().fold(0, |from, (&at, &size)| from * size + at);
        for (at, &size) in place.iter_mut().zip(shape).rev() {
            *at += 1;
            if *at < size {
                break;
            }
            *at = 0;
        }
        list[from]
    };
    (0..list.len()).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fortran_order_is_turned() {
        // [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]] with the first index fastest.
        let stored = Numbers::U8(vec![0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]);
        assert_eq!(stored.in_c_order(&[2, 3, 2]), Numbers::U8((0..12).collect()));
        assert_eq!(Numbers::I8(vec![1, 2]).in_c_order(&[2]), Numbers::I8(vec![1, 2]));
    }
}
