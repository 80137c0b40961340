//! Writing archives of arrays.

use std::io::{self, Seek, Write};

use npyz::{AutoSerialize, NpyWriter, WriteOptions, WriterBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An archive (`.npz`) of arrays on its way into a file, which `np.load` reads.
pub struct ArchiveWriter<W: Write + Seek> {
    zip: ZipWriter<W>,
}

impl<W: Write + Seek> ArchiveWriter<W> {
    /// An archive without arrays yet.
    pub fn new(to: W) -> Self {
        Self { zip: ZipWriter::new(to) }
    }

    /// Begins an array, whose numbers are to follow in C order, as many as the shape says.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin<T: AutoSerialize>(
        &mut self,
        name: &str,
        shape: &[usize],
    ) -> io::Result<NpyWriter<T, impl Write + use<'_, T, W>>> {
        // It is not packed: what packs more than 200 times is not read again.
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
        self.zip.start_file(format!("{name}.npy"), options).map_err(io::Error::from)?;
        let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
        WriteOptions::new().default_dtype().shape(&shape).writer(&mut self.zip).begin_nd()
    }

    /// Writes an array.
    ///
    /// # Errors
    /// If it cannot be written, or the numbers are not as many as the shape says.
    pub fn put<T: AutoSerialize>(
        &mut self,
        name: &str,
        shape: &[usize],
        numbers: impl IntoIterator<Item = T>,
    ) -> io::Result<()> {
        let mut array = self.begin(name, shape)?;
        array.extend(numbers)?;
        array.finish()
    }

    /// Writes the list of arrays; without it the file is no archive.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self) -> io::Result<()> {
        self.zip.finish().map_err(io::Error::from)?.flush()
    }
}
