//! Arrays in every type and order, and files that lie.

use std::path::PathBuf;

use refrain_graph::f16;
use refrain_graph::{DType, Literal};

use super::*;

/// A file that goes when the test ends.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let name = format!("refrain-npz-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        Temporary(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

fn npy(descr: &str, fortran: bool, shape: &[usize], values: &[u8]) -> Vec<u8> {
    let header = Header {
        descr: descr.to_owned(),
        fortran,
        shape: shape.to_vec(),
    };
    [&header.to_bytes()[..], values].concat()
}

fn read(descr: &str, fortran: bool, shape: &[usize], values: &[u8]) -> Result<Literal> {
    let bytes = npy(descr, fortran, shape, values);
    array(&mut &bytes[..], bytes.len() as u64)
}

#[track_caller]
fn check(descr: &str, bytes: &[u8], dtype: DType, expected: &[f64]) {
    let read = read(descr, false, &[expected.len()], bytes).unwrap();
    assert_eq!(
        (read.dtype(), read.to_f64()),
        (dtype, expected.to_vec()),
        "{descr}"
    );
}

#[test]
fn every_number_type_is_read() {
    check("|b1", &[0, 1, 1], DType::Bool, &[0.0, 1.0, 1.0]);
    check("|u1", &[0, 255], DType::U8, &[0.0, 255.0]);
    check("|i1", &[0, 255], DType::I32, &[0.0, -1.0]);
    check("<i2", &[1, 0, 0xfe, 0xff], DType::I32, &[1.0, -2.0]);
    check(">i2", &[0, 1, 0xff, 0xfe], DType::I32, &[1.0, -2.0]);
    check("<u2", &[0xff, 0xff], DType::I32, &[65535.0]);
    check("<i4", &(-7i32).to_le_bytes(), DType::I32, &[-7.0]);
    check(">i4", &(-7i32).to_be_bytes(), DType::I32, &[-7.0]);
    check("<u4", &u32::MAX.to_le_bytes(), DType::U32, &[4294967295.0]);
    check("<i8", &(-7i64).to_le_bytes(), DType::I64, &[-7.0]);
    check(">u8", &7u64.to_be_bytes(), DType::I64, &[7.0]);
    check("<f2", &f16::from_f64(1.5).to_le_bytes(), DType::F16, &[1.5]);
    check("<f4", &1.5f32.to_le_bytes(), DType::F32, &[1.5]);
    check(">f4", &1.5f32.to_be_bytes(), DType::F32, &[1.5]);
    check(">f8", &(-2.5f64).to_be_bytes(), DType::F64, &[-2.5]);
    let scalar = read("<f8", false, &[], &2.5f64.to_le_bytes()).unwrap();
    assert_eq!((scalar.dims(), scalar.to_f64()), (&[][..], vec![2.5]));
}

#[test]
fn fortran_order_becomes_row_major() {
    let read = read("|u1", true, &[2, 3], &[1, 4, 2, 5, 3, 6]).unwrap();
    assert_eq!(
        read,
        Literal::new([2, 3], vec![1u8, 2, 3, 4, 5, 6]).unwrap()
    );
}

#[test]
fn more_values_than_a_chunk() {
    let values: Vec<f32> = (0..100_000).map(|i| i as f32).collect();
    let array = Literal::new([100, 1000], values).unwrap();
    let file = Temporary::new("large.npy", &to_npy(&array));
    assert_eq!(NpzFile::open(&file.0).unwrap().read(ONLY).unwrap(), array);
}

#[test]
fn what_is_no_number_is_refused_by_name() {
    for (descr, expected) in [
        ("|O", "Python objects"),
        ("<U3", "text"),
        ("<c8", "complex"),
        ("<M8[ns]", "dates"),
    ] {
        let failure = read(descr, false, &[1], &[0; 8]).unwrap_err().to_string();
        assert!(failure.contains(expected), "{descr}: {failure}");
    }
    let beyond = read("<u8", false, &[1], &u64::MAX.to_le_bytes()).unwrap_err();
    assert!(
        beyond.to_string().contains("18446744073709551615"),
        "{beyond}"
    );
}

#[test]
fn shapes_that_lie_are_refused_before_memory_is_taken() {
    for shape in [
        &[1 << 40][..],
        &[usize::MAX, 2],
        &[1 << 32, 1 << 32],
        &[3],
        &[1],
    ] {
        assert!(read("<f4", false, shape, &[0; 8]).is_err(), "{shape:?}");
    }
    assert!(read("<f4", false, &[0, usize::MAX], &[]).is_ok());
}

#[test]
fn archives_are_written_and_read() {
    let x = Literal::new([2], vec![1.0f64, 2.0]).unwrap();
    let y = Literal::new([1, 2], vec![true, false]).unwrap();
    let bytes = to_npz(&[("x0", &x), ("y0", &y)]).unwrap();
    assert_eq!(bytes, to_npz(&[("x0", &x), ("y0", &y)]).unwrap());
    let file = Temporary::new("two.npz", &bytes);
    let mut npz = NpzFile::open(&file.0).unwrap();
    assert_eq!(npz.names(), ["x0", "y0"]);
    assert_eq!((npz.read("y0").unwrap(), npz.read("x0").unwrap()), (y, x));
    let missing = npz.read("z").unwrap_err().to_string();
    assert!(missing.starts_with("array `z` in `"), "{missing}");
}

/// An archive with one deflated member, as `numpy.savez_compressed` writes it.
fn deflated(member: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file("x0.npy", options).unwrap();
    zip.write_all(member).unwrap();
    zip.finish().unwrap().into_inner()
}

#[test]
fn compressed_archives_are_read() {
    let x = Literal::zeros([1000, 1000], DType::F32);
    let bytes = deflated(&to_npy(&x));
    assert!(bytes.len() < 8000);
    let file = Temporary::new("compressed.npz", &bytes);
    let read = NpzFile::open(&file.0).unwrap().read("x0").unwrap();
    assert_eq!(read, x);
}

#[test]
fn a_size_that_no_compression_reaches_is_refused() {
    let mut bytes = deflated(&npy("<f4", false, &[1 << 29], &[0; 400]));
    // The last record of the directory: its sizes are 20 and 24 bytes behind its mark.
    let at = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    let header = npy("<f4", false, &[1 << 29], &[]).len() as u32;
    bytes[at + 24..at + 28].copy_from_slice(&((1u32 << 31) + header).to_le_bytes());
    let file = Temporary::new("bomb.npz", &bytes);
    let failure = NpzFile::open(&file.0)
        .and_then(|mut npz| npz.read("x0"))
        .unwrap_err();
    assert!(
        failure
            .to_string()
            .contains("more bytes than the file can hold"),
        "{failure}"
    );
}

#[test]
fn damaged_archives_are_errors() {
    let x = Literal::new([64], (0..64).collect::<Vec<i32>>()).unwrap();
    for bytes in [to_npz(&[("x0", &x)]).unwrap(), deflated(&to_npy(&x))] {
        for cut in 0..bytes.len() {
            let file = Temporary::new("cut.npz", &bytes[..cut]);
            let read = NpzFile::open(&file.0).and_then(|mut npz| npz.read("x0"));
            assert!(read.is_err(), "cut at {cut}");
        }
        for at in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[at / 8] ^= 1 << (at % 8);
            let file = Temporary::new("changed.npz", &changed);
            if let Ok(read) = NpzFile::open(&file.0).and_then(|mut npz| npz.read("x0")) {
                assert_eq!(read, x, "bit {at} changed");
            }
        }
    }
}
