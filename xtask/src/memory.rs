//! Memory of this process, from Linux.

use std::error::Error;
use std::fs;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Bytes now.
pub fn now() -> Result<u64> {
    field("VmRSS")
}

/// Bytes at the peak.
pub fn peak() -> Result<u64> {
    field("VmHWM")
}

/// Forgets the peak so far.
pub fn forget_peak() -> Result<()> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

fn field(name: &str) -> Result<u64> {
    const KIB: u64 = 1024;
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    let number = number.ok_or_else(|| format!("no {name}"))?;
    Ok(number.parse::<u64>()? * KIB)
}
