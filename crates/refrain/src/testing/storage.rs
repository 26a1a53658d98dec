//! The readers and writers of files, for tests that feed them anything and for checks against h5py.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Literal;
use crate::error::Result;
use crate::saving::Limits;
use refrain_storage::{
    Archive, ArrayFile, Group, parse_json, write_archive, write_hdf5, write_safetensors,
    write_whole,
};

/// The arrays of an HDF5 or safetensors file by their paths.
pub type Arrays = BTreeMap<String, Literal>;

/// Opens an HDF5 or safetensors file and reads all its arrays.
pub fn read_arrays(bytes: Vec<u8>, limits: &Limits) -> Result<Arrays> {
    let file = ArrayFile::from_bytes(bytes, limits)?;
    let mut out = Arrays::new();
    collect(&file, file.root(), &mut out)?;
    Ok(out)
}

fn collect(
    file: &ArrayFile,
    group: &Group<refrain_storage::ArrayRef>,
    out: &mut Arrays,
) -> Result<()> {
    for array in group.arrays.values() {
        out.insert(array.path().into(), file.read(array)?);
    }
    group
        .groups
        .values()
        .try_for_each(|g| collect(file, g, out))
}

/// All members of a zip file or a folder.
pub fn read_archive(path: &Path, limits: &Limits) -> Result<Vec<(String, Vec<u8>)>> {
    members(Archive::open(path, limits)?)
}

/// All members of a zip file in memory.
pub fn read_zip(bytes: Vec<u8>, limits: &Limits) -> Result<Vec<(String, Vec<u8>)>> {
    members(Archive::from_bytes(bytes, limits)?)
}

fn members(mut archive: Archive) -> Result<Vec<(String, Vec<u8>)>> {
    let names = archive.members().to_vec();
    let read = |name: String| Ok((name.clone(), archive.read(&name)?));
    names.into_iter().map(read).collect()
}

/// Reads JSON.
pub fn read_json(bytes: &[u8], limits: &Limits) -> Result<serde_json::Value> {
    Ok(parse_json(bytes, limits)?)
}

/// Reads an HDF5 file with everything in it and writes it anew.
pub fn rewrite_hdf5(bytes: Vec<u8>, limits: &Limits) -> Result<Vec<u8>> {
    let file = ArrayFile::from_bytes(bytes, limits)?;
    Ok(write_hdf5(&load(&file, file.root())?)?)
}

fn load(file: &ArrayFile, group: &Group<refrain_storage::ArrayRef>) -> Result<Group<Literal>> {
    let arrays = group
        .arrays
        .iter()
        .map(|(n, a)| Ok((n.clone(), file.read(a)?)));
    let groups = group
        .groups
        .iter()
        .map(|(n, g)| Ok((n.clone(), load(file, g)?)));
    Ok(Group {
        attributes: group.attributes.clone(),
        arrays: arrays.collect::<Result<_>>()?,
        groups: groups.collect::<Result<_>>()?,
    })
}

/// The bytes of an HDF5 file with arrays at these paths.
pub fn hdf5(arrays: &Arrays) -> Result<Vec<u8>> {
    let mut root = Group::<&Literal>::default();
    for (path, literal) in arrays {
        let (group, name) = path.rsplit_once('/').unwrap_or(("", path));
        root.group_mut(group).arrays.insert(name.into(), literal);
    }
    Ok(write_hdf5(&root)?)
}

/// The bytes of a safetensors file with these arrays.
pub fn safetensors(arrays: &Arrays, metadata: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let list: Vec<(String, &Literal)> = arrays.iter().map(|(n, a)| (n.clone(), a)).collect();
    let mut out = Vec::new();
    write_safetensors(&mut out, &list, metadata)?;
    Ok(out)
}

/// Writes a zip file of these members.
pub fn archive(path: &Path, members: &[(&str, &[u8])]) -> Result<()> {
    Ok(write_archive(path, members)?)
}

/// Writes a file whole or not at all.
pub fn whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e| refrain_storage::io("writing", path, &e);
    Ok(write_whole(path, |out| {
        out.write_all(bytes).map_err(failed)
    })?)
}
