//! How much memory this process can still get: from the machine, from its control group, which batch systems set, and up to
//! its own limit (`ulimit -v`).

use std::path::Path;

/// Kept free below the process's own limit: beyond it small allocations fail too, and these end the process.
const SPARE: u64 = 32 << 20;

/// Bytes; `u64::MAX` where nothing tells.
pub(super) fn available_bytes() -> u64 {
    let all = [of_machine(), of_control_groups(Path::new("/proc/self/cgroup"), Path::new("/sys/fs/cgroup"))];
    all.into_iter().flatten().fold(up_to_limit(), u64::min)
}

/// What the system says can be allocated without swapping.
fn of_machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Up to the limit of the address space; `u64::MAX` without one.
pub(super) fn up_to_limit() -> u64 {
    #[cfg(target_os = "linux")]
    {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the structure is there to be written.
        let known = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) } == 0;
        if known && limit.rlim_cur != libc::RLIM_INFINITY {
            let used = std::fs::read_to_string("/proc/self/status").ok().and_then(|text| {
                let line = text.lines().find(|line| line.starts_with("VmSize:"))?;
                line.split_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(1024)
            });
            return limit.rlim_cur.saturating_sub(used.unwrap_or(0)).saturating_sub(SPARE);
        }
    }
    u64::MAX
}

/// The least that a control group of the process has left, those above it included; files that are cached give way.
/// `groups` has the form of `/proc/self/cgroup`; both versions of the interface are known.
fn of_control_groups(groups: &Path, root: &Path) -> Option<u64> {
    const UNIFIED: [&str; 3] = ["memory.max", "memory.current", "file"];
    const LEGACY: [&str; 3] = ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache"];
    let text = std::fs::read_to_string(groups).ok()?;
    let mut least = None;
    for line in text.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (root, files) = match controllers {
            "" => (root.to_owned(), UNIFIED),
            "memory" => (root.join("memory"), LEGACY),
            _ => continue,
        };
        // Within a container the path may be that of the host: the root stands for the container then.
        for folder in Path::new(path.trim_start_matches('/')).ancestors() {
            let left = left_in(&root.join(folder), files);
            least = [least, left].into_iter().flatten().min();
        }
    }
    least
}

fn left_in(folder: &Path, [limit, usage, cached]: [&str; 3]) -> Option<u64> {
    let number = |name: &str| std::fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let (limit, usage) = (number(limit)?, number(usage)?);
    let statistics = std::fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let entry = statistics.lines().find_map(|line| line.strip_prefix(cached)?.strip_prefix(' '));
    let cached = entry.and_then(|bytes| bytes.trim().parse::<u64>().ok()).unwrap_or(0);
    Some(limit.saturating_sub(usage.saturating_sub(cached)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir_all, write};

    #[test]
    fn the_tightest_control_group_counts_and_cached_files_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let (groups, root) = (folder.path().join("cgroup"), folder.path().join("fs"));
        let group = |path: &str, files: [(&str, &str); 3]| {
            create_dir_all(root.join(path)).unwrap();
            files.iter().for_each(|(name, text)| write(root.join(path).join(name), text).unwrap());
        };
        assert_eq!(of_control_groups(&groups, &root), None, "no control groups");
        write(&groups, "0::/slurm/job/step\n").unwrap();
        assert_eq!(of_control_groups(&groups, &root), None, "nothing is limited");
        group("slurm/job/step", [("memory.max", "max\n"), ("memory.current", "300\n"), ("memory.stat", "")]);
        assert_eq!(of_control_groups(&groups, &root), None, "no limit is none");
        let stat = "anon 500\nfile 200\nfile_mapped 7\n";
        group("slurm/job", [("memory.max", "1000\n"), ("memory.current", "700\n"), ("memory.stat", stat)]);
        assert_eq!(of_control_groups(&groups, &root), Some(500));
        group("slurm", [("memory.max", "800\n"), ("memory.current", "750\n"), ("memory.stat", stat)]);
        assert_eq!(of_control_groups(&groups, &root), Some(250));

        write(&groups, "9:name=systemd:/\n4:memory:/job\n0::/\n").unwrap();
        let stat = "cache 1\ntotal_cache 100\n";
        let files =
            [("memory.limit_in_bytes", "1000"), ("memory.usage_in_bytes", "1100"), ("memory.stat", stat)];
        group("memory/job", files);
        assert_eq!(of_control_groups(&groups, &root), Some(0));
    }

    #[test]
    fn something_is_available() {
        assert!(available_bytes() > 1 << 20);
    }
}
