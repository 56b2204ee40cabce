//! Names of folders in a run folder. Rigs and suites are named as people like; a folder has letters, digits, `.`, `_` and `-`.

use crate::seed::Seed;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Most bytes of a name that stays as it is: file systems take 255, and a number or a digest may follow.
const LONGEST: usize = 200;

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-".contains(c)
}

/// The name with a `-` for every character that a folder does not have.
pub fn plain(name: &str) -> String {
    name.replace(|c| !is_plain(c), "-")
}

/// A folder for each of these names, each another one. A name that can be that of a folder stays as it is; others get a digest.
pub fn one_for_each(names: &[String]) -> Vec<String> {
    let stays = |name: &&String| {
        !name.is_empty() && !name.starts_with('.') && name.len() <= LONGEST && name.chars().all(is_plain)
    };
    let mut taken: BTreeSet<String> = names.iter().filter(stays).cloned().collect();
    let mut given: BTreeSet<&String> = BTreeSet::new();
    let mut folders = Vec::new();
    for name in names {
        if stays(&name) && given.insert(name) {
            folders.push(name.clone());
            continue;
        }
        let digest = Seed(0).draw(name) & 0xffff_ffff;
        let start: String = plain(name)
            .trim_start_matches('.')
            .chars()
            .take(LONGEST)
            .collect();
        let mut folder = format!("{start}-{digest:08x}");
        let mut number = 2_u32;
        while !taken.insert(folder.clone()) {
            folder = format!("{start}-{digest:08x}-{number}");
            number += 1;
        }
        folders.push(folder);
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn folders(names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        one_for_each(&names)
    }

    #[test]
    fn plain_names_stay() {
        assert_eq!(folders(&["bench-01", "b_2.x", "C"]), ["bench-01", "b_2.x", "C"]);
    }

    #[test]
    fn every_other_name_gets_a_folder_of_its_own() {
        let long = "long".repeat(99);
        let odd = [
            "bad h",
            "bad/h",
            "bench 3",
            "Prüfstand",
            "Pr-fstand",
            "a/b",
            "a-b",
            "x,y",
            "../../evil x",
            ".",
            "..",
            "",
            "/etc",
            ".hidden",
            &long,
            "a\u{0}b",
            "bad h",
        ];
        let mut names = odd.to_vec();
        // One that was chosen to look like another one's folder.
        let looks_like = folders(&["bad h"]).remove(0);
        names.push(&looks_like);
        let mut all = folders(&names);
        assert_eq!(all.last(), Some(&looks_like));
        for folder in &all {
            assert!(!folder.starts_with('.') && folder.len() < 240, "{folder}");
            assert!(!folder.is_empty() && folder.chars().all(is_plain), "{folder}");
        }
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count, "{all:?}");
    }
}
