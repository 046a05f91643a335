//! Reads one sample out of a captured batch (its layout: [`protocol::files::BATCHES`]).
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

use anyhow::{Context as _, ensure};
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde::Deserialize;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use vision::Tensor;

/// The header of the file: the library's own reader wants the whole file, and this one reads a slice of it.
#[derive(Deserialize)]
struct Header {
    input: TensorInfo,
}

/// Reads the sample at `index`; the rest of the file stays on disk.
///
/// # Errors
/// The file is missing or damaged, or has no such sample.
pub fn read_item(path: &Path, index: usize) -> anyhow::Result<Tensor> {
    read(path, index).with_context(|| format!("reading {}", path.display()))
}

fn read(path: &Path, index: usize) -> anyhow::Result<Tensor> {
    let mut file = File::open(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let header_bytes = u64::from_le_bytes(length);
    ensure!(header_bytes < 1 << 20, "its header claims {header_bytes} bytes");
    let mut head = Vec::new();
    (&mut file).take(header_bytes).read_to_end(&mut head)?;
    let Header { input } = serde_json::from_slice(&head).context("its header")?;
    ensure!(input.dtype == Dtype::F32, "its tensor is {:?}, not F32", input.dtype);
    let &[count, 3, height, width] = input.shape.as_slice() else {
        anyhow::bail!("its tensor has the shape {:?}", input.shape);
    };
    ensure!(index < count, "it holds {count} samples");
    let size = 3 * height * width * 4;
    let start = 8 + header_bytes + (input.data_offsets.0 + index * size) as u64;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = vec![0; size];
    file.read_exact(&mut bytes)?;
    let (chunks, _) = bytes.as_chunks::<4>();
    Ok(Tensor {
        data: chunks.iter().copied().map(f32::from_le_bytes).collect(),
        height: u32::try_from(height)?,
        width: u32::try_from(width)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::TensorView;

    #[test]
    fn one_sample_is_read_and_no_other() {
        let values: Vec<f32> = (0..3 * 3 * 2 * 4).map(|at| at as f32).collect();
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F32, vec![3, 3, 2, 4], &bytes).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("batch.safetensors");
        std::fs::write(&path, safetensors::serialize([("input", view)], None).unwrap()).unwrap();
        let item = read_item(&path, 1).unwrap();
        assert_eq!((item.height, item.width), (2, 4));
        assert_eq!(item.data, &values[24..48]);
        assert!(read_item(&path, 3).unwrap_err().root_cause().to_string().contains("holds 3 samples"));
        std::fs::write(&path, b"\xff\xff\xff\xff\xff\xff\xff\xff").unwrap();
        assert!(read_item(&path, 0).is_err());
    }
}
