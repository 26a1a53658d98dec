//! Whether there is memory for what a program needs. An allocation that fails can only abort the process, and a system that
//! promises more than it has ends the process later: so it is asked before.

use std::fs;
use std::path::{Path, PathBuf};

/// Memory that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} of memory are not to be had{}", gigabytes(*bytes), self.reason())]
pub struct MemoryError {
    bytes: usize,
    /// What this process has of what it may have, where that decided.
    limit: Option<(usize, usize)>,
}

impl MemoryError {
    /// The system refused as many bytes.
    pub fn refused(bytes: usize) -> Self {
        MemoryError { bytes, limit: None }
    }

    fn reason(&self) -> String {
        self.limit.map_or_else(String::new, |(used, total)| {
            let (used, total) = (gigabytes(used), gigabytes(total));
            format!(": this process has {used} of at most {total}")
        })
    }
}

fn gigabytes(bytes: usize) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// Requests below it are not compared with the machine's memory: reading what that is takes longer than such memory is worth where
/// it is asked for at each prediction.
const SMALL: usize = 1 << 26;

/// Refuses as many bytes if the system does, or if the process would have more than the machine or its control groups allow,
/// swap included. Systems other than Linux are only asked for the bytes.
///
/// # Errors
/// There is no memory for them.
///
/// ```
/// use refrain_graph::memory::check;
/// assert!(check(1000).is_ok());
/// assert!(check(usize::MAX).is_err());
/// ```
pub fn check(bytes: usize) -> Result<(), MemoryError> {
    if bytes >= SMALL
        && let Some(total) = total(&|path| fs::read_to_string(path).ok())
    {
        let used = used().unwrap_or(0);
        if used.saturating_add(bytes) > total {
            let limit = Some((used, total));
            return Err(MemoryError { bytes, limit });
        }
    }
    let reserved = Vec::<u8>::new().try_reserve_exact(bytes);
    reserved.map_err(|_| MemoryError::refused(bytes))
}

/// Bytes of this process that lie in memory and in no file.
fn used() -> Option<usize> {
    field(&fs::read_to_string("/proc/self/status").ok()?, "RssAnon:")
}

/// Bytes that the processes of this one's control groups may have.
fn total(read: &dyn Fn(&Path) -> Option<String>) -> Option<usize> {
    let info = read(Path::new("/proc/meminfo"))?;
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().flat_map(limit_files);
    let limits = limits.filter_map(|path| read(&path)?.trim().parse().ok());
    let memory = limits.fold(field(&info, "MemTotal:")?, usize::min);
    Some(memory.saturating_add(field(&info, "SwapTotal:").unwrap_or(0)))
}

/// Bytes of a line such as `MemTotal: 16384 kB`.
fn field(text: &str, name: &str) -> Option<usize> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    let count: usize = rest.split_whitespace().next()?.parse().ok()?;
    count.checked_mul(1024)
}

/// The files with the limits of a control group and of those around it: `0::/path` in version 2, `4:memory:/path` in version 1.
fn limit_files(line: &str) -> Vec<PathBuf> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
        return Vec::new();
    };
    let (root, file) = match controllers {
        "" => ("/sys/fs/cgroup", "memory.max"),
        _ if controllers.split(',').any(|c| c == "memory") => {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return Vec::new(),
    };
    let around = Path::new(path.trim_start_matches('/')).ancestors();
    around
        .map(|group| Path::new(root).join(group).join(file))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(files: &[(&str, &str)]) -> Option<usize> {
        let info = ("/proc/meminfo", "MemTotal:  4000 kB\nSwapTotal:  500 kB\n");
        let find = |path: &Path| {
            let mut all = files.iter().chain([&info]);
            all.find(|(name, _)| Path::new(name) == path)
                .map(|(_, text)| text.to_string())
        };
        total(&find)
    }

    #[test]
    fn the_tightest_limit_of_the_machine_and_its_control_groups_counts() {
        assert_eq!(limited(&[]), Some(4500 * 1024));
        let second = ("/proc/self/cgroup", "0::/a/b\n");
        let unlimited = ("/sys/fs/cgroup/a/b/memory.max", "max\n");
        assert_eq!(limited(&[second, unlimited]), Some(4500 * 1024));
        let outer = ("/sys/fs/cgroup/a/memory.max", "1024000\n");
        assert_eq!(limited(&[second, unlimited, outer]), Some(1500 * 1024));
        let first = ("/proc/self/cgroup", "5:cpu:/x\n4:hugetlb,memory:/c\n");
        let inner = ("/sys/fs/cgroup/memory/c/memory.limit_in_bytes", "2048000");
        assert_eq!(limited(&[first, inner]), Some(2500 * 1024));
        let none = (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "9223372036854771712",
        );
        assert_eq!(limited(&[first, none]), Some(4500 * 1024));
    }

    #[test]
    fn what_no_machine_has_is_refused() {
        let refused = check(1 << 50).map_err(|e| e.to_string());
        let message = refused.expect_err("more than any machine has");
        assert!(message.starts_with("1125899.9 GB of memory"), "{message}");
        assert!(check(1 << 24).is_ok());
    }
}
