//! Files of Keras and h5py, read and written again. `fixtures/storage/make.py` made them.

use std::path::{Path, PathBuf};

use refrain::saving::{Limits, LoadOptions};
use refrain::testing::storage::{self, Arrays};
use refrain::{DType, ErrorKind, Literal, Result};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/storage")
        .join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

fn arrays(name: &str) -> Result<Arrays> {
    storage::read_arrays(bytes(name), &Limits::new())
}

/// What `make.py` filled weight `i` of a model with.
fn values(i: usize, n: usize) -> Vec<f64> {
    (0..n).map(|k| (10 * i + k) as f64 / 8.0).collect()
}

fn check_siamese(arrays: &Arrays) {
    let expected = [
        ("shared", "0", 12),
        ("shared", "1", 4),
        ("top", "0", 4),
        ("top", "1", 1),
    ];
    assert_eq!(arrays.len(), expected.len());
    for (i, (array, (_, _, n))) in arrays.values().zip(expected).enumerate() {
        assert_eq!(array.dtype(), DType::F32);
        assert_eq!(array.to_f64(), values(i, n));
    }
}

#[test]
fn weights_of_keras() -> Result<()> {
    check_siamese(&arrays("model.weights.h5")?);
    let paths: Vec<String> = arrays("model.weights.h5")?.into_keys().collect();
    assert_eq!(paths[0], "layers/dense/vars/0");
    Ok(())
}

#[test]
fn archive_and_folder() -> Result<()> {
    for name in ["model.keras", "folder"] {
        let members = storage::read_archive(&fixture(name), &Limits::new())?;
        assert_eq!(members.len(), 3);
        for (name, bytes) in members {
            if name.ends_with(".json") {
                assert!(storage::read_json(&bytes, &Limits::new())?.is_object());
            } else {
                check_siamese(&storage::read_arrays(bytes, &Limits::new())?);
            }
        }
    }
    Ok(())
}

#[test]
fn shards() -> Result<()> {
    let map = storage::read_json(&bytes("sharded.weights.json"), &Limits::new())?;
    assert!(map["weight_map"].is_object());
    let mut all = arrays("sharded_00000.weights.h5")?;
    let first = all.len();
    all.extend(arrays("sharded_00001.weights.h5")?);
    assert!(first < all.len());
    check_siamese(&all);
    Ok(())
}

#[test]
fn compressed_chunks() -> Result<()> {
    let arrays = arrays("compressed.h5")?;
    let kernel = &arrays["shared/shared/kernel"];
    assert_eq!(kernel.dims(), [3, 4]);
    assert_eq!(kernel.to_f64(), values(0, 12));
    assert_eq!(arrays["top/top/bias"].to_f64(), values(3, 1));
    Ok(())
}

/// All indices of chunks that HDF5 has, of arrays that hold 0, 1, 2, ….
#[test]
fn chunks_of_every_index() -> Result<()> {
    let arrays = arrays("chunks.h5")?;
    assert_eq!(arrays.len(), 13);
    assert_eq!(arrays["middle grows"].dims(), [7, 5, 1]);
    for (path, array) in arrays {
        let expected: Vec<f64> = (0..array.numel()).map(|i| i as f64).collect();
        assert_eq!(array.to_f64(), expected, "{path}");
    }
    Ok(())
}

#[test]
fn what_stands_before_a_file_is_skipped() -> Result<()> {
    for name in ["block_earliest.h5", "block_latest.h5"] {
        let expected: Vec<f64> = (0..35u8).map(f64::from).collect();
        for path in ["group/matrix", "chunked"] {
            assert_eq!(arrays(name)?[path].to_f64(), expected, "{name}: {path}");
        }
        // Without the block, and where no block can end.
        let mut moved = bytes(name).split_off(1024);
        let plain = storage::read_arrays(moved.clone(), &Limits::new())?;
        assert_eq!(plain, arrays(name)?);
        moved.splice(..0, [0; 1536]);
        assert!(storage::read_arrays(moved, &Limits::new()).is_err());
    }
    Ok(())
}

#[test]
fn weights_of_an_open_file_are_read_wherever_they_begin() -> Result<()> {
    let mut members = storage::read_archive(&fixture("model.keras"), &Limits::new())?;
    for (name, bytes) in &mut members {
        if name.ends_with(".h5") {
            bytes.splice(..0, [0; 512]);
        }
    }
    let members: Vec<(&str, &[u8])> = members.iter().map(|(n, b)| (&**n, &**b)).collect();
    let path = std::env::temp_dir().join(format!("refrain-block-{}.keras", std::process::id()));
    storage::archive(&path, &members)?;
    let file = LoadOptions::new().open(&path)?;
    for (i, weight) in file.weights().iter().enumerate() {
        let n = weight.shape().iter().product();
        assert_eq!(weight.read()?.to_f64(), values(i, n));
    }
    std::fs::remove_file(path).unwrap();
    Ok(())
}

/// An error, never a panic.
#[test]
fn short_files_of_chunks_are_refused() {
    let whole = bytes("chunks.h5");
    for length in (0..whole.len()).step_by(53) {
        let read = storage::read_arrays(whole[..length].to_vec(), &Limits::new());
        assert!(read.is_err(), "{length}");
    }
}

#[test]
fn half_precision() -> Result<()> {
    let arrays = arrays("half.weights.h5")?;
    let types: Vec<DType> = arrays.values().map(Literal::dtype).collect();
    assert_eq!(types, [DType::BF16, DType::BF16, DType::F16, DType::F16]);
    for (i, (array, n)) in arrays.values().zip([12, 4, 8, 2]).enumerate() {
        assert_eq!(array.to_f64(), values(i, n));
    }
    Ok(())
}

#[test]
fn types_are_read_or_widened() -> Result<()> {
    for (path, array) in arrays("types.h5")? {
        let expected = match path
            .trim_start_matches("little ")
            .trim_start_matches("big ")
        {
            "f2" => DType::F16,
            "f8" => DType::F64,
            "i1" | "i2" | "i4" => DType::I32,
            "i8" => DType::I64,
            "u1" => DType::U8,
            "u2" | "u4" => DType::U32,
            "?" => DType::Bool,
            _ => DType::F32,
        };
        assert_eq!(array.dtype(), expected, "{path}");
        match path.as_str() {
            "scalar" => assert_eq!(array, Literal::scalar(1.5f32)),
            "empty" => assert_eq!(array.dims(), [0, 3]),
            "?" => assert_eq!(array.to_f64(), [0.0, 1.0, 1.0, 1.0]),
            _ => assert_eq!(array.to_f64(), [0.0, 1.0, 2.0, 3.0], "{path}"),
        }
    }
    Ok(())
}

#[test]
fn groups_of_many_members_are_read() -> Result<()> {
    let arrays = arrays("dense.h5")?;
    assert_eq!(arrays.len(), 60);
    for i in 0..60u8 {
        let array = &arrays[&format!("größe {i}")];
        assert_eq!(*array, Literal::scalar(f32::from(i)));
    }
    Ok(())
}

#[test]
fn links_circles_and_texts_are_refused() {
    for (name, words) in [
        ("links.h5", "soft or external link"),
        ("circle.h5", "several names"),
        ("text.h5", "`text` holds texts"),
    ] {
        let error = arrays(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn rewritten_files_are_equal() -> Result<()> {
    for name in ["model.weights.h5", "compressed.h5", "half.weights.h5"] {
        let again = storage::rewrite_hdf5(bytes(name), &Limits::new())?;
        assert_eq!(
            storage::read_arrays(again.clone(), &Limits::new())?,
            arrays(name)?
        );
        assert_eq!(storage::rewrite_hdf5(again.clone(), &Limits::new())?, again);
    }
    Ok(())
}

#[test]
fn every_type_survives_both_formats() -> Result<()> {
    let types = [
        DType::F32,
        DType::F64,
        DType::F16,
        DType::BF16,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U32,
        DType::Bool,
    ];
    let mut all = Arrays::new();
    for dtype in types {
        let values = Literal::new([2, 3], vec![0f32, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        all.insert(format!("a/{dtype:?}"), values.convert(dtype));
        all.insert(format!("scalar/{dtype:?}"), Literal::full([], dtype, 1.0));
        all.insert(format!("empty/{dtype:?}"), Literal::zeros([0, 3], dtype));
    }
    let limits = Limits::new();
    assert_eq!(storage::read_arrays(storage::hdf5(&all)?, &limits)?, all);
    let metadata = [("made".to_string(), "here".to_string())].into();
    assert_eq!(
        storage::read_arrays(storage::safetensors(&all, &metadata)?, &limits)?,
        all
    );
    Ok(())
}

#[test]
fn deep_groups_end_before_the_stack_does() -> Result<()> {
    let nested = |depth: usize| {
        let path = format!("{}a", "g/".repeat(depth));
        storage::hdf5(&[(path, Literal::scalar(1f32))].into())
    };
    let most = Limits::new().depth(usize::MAX);
    assert_eq!(storage::read_arrays(nested(500)?, &most)?.len(), 1);
    assert!(storage::read_arrays(nested(501)?, &most).is_err());
    assert!(storage::read_arrays(nested(201)?, &Limits::new()).is_err());
    Ok(())
}

#[test]
fn limits_are_kept() {
    let refused = |limits: Limits| {
        let error = storage::read_arrays(bytes("model.weights.h5"), &limits).unwrap_err();
        assert!(error.to_string().contains("Limits"), "{error}");
    };
    refused(Limits::new().array_bytes(47));
    refused(Limits::new().total_bytes(80));
    refused(Limits::new().depth(2));
    refused(Limits::new().objects(5));
    let members = storage::read_archive(&fixture("model.keras"), &Limits::new().members(2));
    assert!(members.is_err());
    let members = storage::read_archive(&fixture("folder"), &Limits::new().member_bytes(100));
    assert!(members.is_err());
}

#[test]
fn names_that_lead_outside_are_refused() {
    let path = std::env::temp_dir().join(format!("refrain-names-{}.keras", std::process::id()));
    for name in ["../a", "/a", "a\\b", "a/../b", "C:a", "", "a//b"] {
        assert!(storage::archive(&path, &[(name, b"x")]).is_err(), "{name}");
    }
    assert!(storage::archive(&path, &[("a", b"x"), ("A", b"y")]).is_err());
    assert!(!path.exists());
    storage::archive(&path, &[("ab/c", b"x")]).unwrap();
    let good = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(
        storage::read_zip(good.clone(), &Limits::new()).unwrap()[0].1,
        b"x"
    );
    for name in [b"../c", b"/b/c", b"a\\/c"] {
        let mut evil = good.clone();
        for i in 0..evil.len() - 4 {
            if &evil[i..i + 4] == b"ab/c" {
                evil[i..i + 4].copy_from_slice(name);
            }
        }
        assert!(storage::read_zip(evil, &Limits::new()).is_err());
    }
}

/// The archive, the chunks, the safetensors file and the JSON are sound; the circle and the link are not.
#[test]
fn the_corpus_of_the_fuzz_targets_is_read() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let files = |target: &str| -> Vec<Vec<u8>> {
        let entries = std::fs::read_dir(corpus.join(target)).unwrap();
        entries
            .map(|e| std::fs::read(e.unwrap().path()).unwrap())
            .collect()
    };
    let limits = Limits::new();
    let zips = files("zip")
        .into_iter()
        .map(|b| storage::read_zip(b, &limits).is_ok());
    let arrays = files("arrays")
        .into_iter()
        .map(|b| storage::read_arrays(b, &limits).is_ok());
    let json = files("json")
        .into_iter()
        .map(|b| storage::read_json(&b, &limits).is_ok());
    assert_eq!(zips.chain(arrays).chain(json).filter(|&ok| ok).count(), 4);
}
