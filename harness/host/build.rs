//! With the feature `lab`: the digest of the sources. The machines of a lab have processors of more than one kind, and all have to run
//! programs that were built from the same sources.

fn main() -> std::io::Result<()> {
    #[cfg(feature = "lab")]
    println!("cargo::rustc-env=DFOTA_HIL_SOURCES={}", sources::digest()?);
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

#[cfg(feature = "lab")]
mod sources {
    use sha2::{Digest, Sha256};
    use std::fs;
    use std::io::Result;
    use std::path::{Path, PathBuf};

    /// SHA-256 over path and text of each source file, and of the versions of all dependencies.
    pub(crate) fn digest() -> Result<String> {
        let crates = Path::new("..");
        let mut files = vec![PathBuf::from("../../Cargo.lock")];
        let mut folders: Vec<PathBuf> = fs::read_dir(crates)?
            .map(|entry| Ok(entry?.path().join("src")))
            .collect::<Result<_>>()?;
        folders.retain(|folder| folder.is_dir());
        while let Some(folder) = folders.pop() {
            println!("cargo::rerun-if-changed={}", folder.display());
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        println!("cargo::rerun-if-changed=../../Cargo.lock");
        files.sort();
        let mut all = Sha256::new();
        for file in files {
            all.update(file.as_os_str().as_encoded_bytes());
            all.update([0]);
            all.update(Sha256::digest(fs::read(&file)?));
        }
        Ok(all.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}
