//! Targets with little room.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{run, skip};

/// A small file system, unmounted when it goes.
pub struct Small(pub PathBuf);

impl Small {
    /// `None` says SKIP.
    pub fn mount(path: &Path, mib: u64) -> Option<Small> {
        std::fs::create_dir(path).unwrap();
        Small::over(path, &format!("{mib}m"))
    }

    /// The same on a directory that is there. `None` says SKIP.
    pub fn over(path: &Path, size: &str) -> Option<Small> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(path).status();
        if !mounted.is_ok_and(|status| status.success()) {
            skip("nothing can be mounted");
            return None;
        }
        Some(Small(path.to_owned()))
    }

    /// Makes it larger.
    pub fn grow(&self, mib: u64) {
        run("mount", &["-o", &format!("remount,size={mib}m"), self.0.to_str().unwrap()]);
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
