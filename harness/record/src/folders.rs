//! Folders: how much room there is, and one that a group shares.
//!
//! In a shared folder, every user of its group can write what another one made.
//!
//! Such a folder gives its group to what is made in it and lets the group write: mode 2775, as that of the Debian package. The
//! umask of most users takes that away again, so it is given back here, for what is made anew.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Set-group-ID and write permission of the group, which make a folder a shared one.
const SHARED: u32 = 0o2020;

/// Makes a folder and those above it.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() || folder.as_os_str().is_empty() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above)?;
    }
    match std::fs::create_dir(folder) {
        Ok(()) => share(folder),
        // Somebody else made it meanwhile.
        Err(_) if folder.is_dir() => Ok(()),
        Err(why) => Err(why),
    }
}

/// Lets the group write what this user made, where its folder is a shared one.
pub fn share(made: &Path) -> io::Result<()> {
    let folder = made.parent().unwrap_or(Path::new("/"));
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    if std::fs::metadata(folder)?.mode() & SHARED != SHARED {
        return Ok(());
    }
    let is = std::fs::symlink_metadata(made)?;
    if is.is_symlink() || is.uid() != rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let mode = is.mode() & 0o7777;
    let shared = mode | if is.is_dir() { 0o2070 } else { 0o060 };
    // A service may be forbidden to set the set-group-ID bit, also where it is set.
    if mode == shared {
        Ok(())
    } else {
        std::fs::set_permissions(made, PermissionsExt::from_mode(shared))
    }
}

/// How much is free where `folder` is, or will be made.
pub fn free(folder: &Path) -> rustix::io::Result<u64> {
    let there = folder.ancestors().find(|path| path.exists());
    let there = there
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let disk = rustix::fs::statvfs(there)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::fs::{Permissions, set_permissions};

    #[rstest]
    #[case::shared(0o2775, 0o2770, 0o060)]
    #[case::of_one_user(0o755, 0o700, 0)]
    #[case::of_a_group_that_reads(0o2755, 0o700, 0)]
    fn what_is_made_is_the_groups_too(#[case] folder: u32, #[case] folders: u32, #[case] file: u32) {
        let top = tempfile::tempdir().expect("a folder");
        set_permissions(top.path(), Permissions::from_mode(folder)).expect("a folder of ours");
        let below = top.path().join("rigs/bench");
        make_folder(&below).expect("made");
        make_folder(&below).expect("there already");
        let path = below.join("lease");
        let made = std::fs::File::create(&path).expect("a file");
        made.set_permissions(Permissions::from_mode(0o600))
            .expect("a umask");
        share(&path).expect("a file of ours");
        let mode = |path: &Path| std::fs::metadata(path).expect("it is there").mode();
        for folder in [&below, below.parent().expect("a folder")] {
            assert_eq!(mode(folder) & folders, folders, "{:o}", mode(folder));
        }
        assert_eq!(mode(&path) & 0o060, file, "{:o}", mode(&path));
    }
}
