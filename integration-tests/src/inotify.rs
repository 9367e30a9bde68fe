//! Instances of inotify, which Envoy takes one of for each file that it watches.
//!
//! Linux grants all processes of a user 128 of them by default, other copies of these tests and the user's editors
//! included, and Envoy aborts where it gets none.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How many more the system grants us; `usize::MAX` where it has no such limit.
pub(crate) fn left() -> usize {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_user_instances");
    let limit: Option<usize> = limit.ok().and_then(|limit| limit.trim().parse().ok());
    limit.map_or(usize::MAX, |limit| limit.saturating_sub(in_use()))
}

fn in_use() -> usize {
    let Ok(us) = fs::metadata("/proc/self") else {
        return 0;
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|entry| {
            let is_ours = entry.metadata().is_ok_and(|of| of.uid() == us.uid());
            is_ours && entry.file_name().as_encoded_bytes()[0].is_ascii_digit()
        })
        .map(|entry| of_process(&entry.path()))
        .sum()
}

/// Those that the process of this folder below `/proc` has; 0 where there is no such folder.
pub(crate) fn of_process(folder: &Path) -> usize {
    let files = fs::read_dir(folder.join("fd"));
    files
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok())
        .filter(|target| target.ends_with("anon_inode:inotify"))
        .count()
}
