//! Where plugins are found.

use crate::HostError;
use std::path::{Path, PathBuf};

/// Folders in the order of the search: those given by the caller, the executable's folder and its `deps`,
/// `lib/gaugelink/plugins` beside the executable's folder, `GAUGELINK_PLUGIN_PATH`.
#[derive(Clone, Debug, Default)]
pub struct Search {
    folders: Vec<PathBuf>,
}

impl Search {
    /// The search of this process; `first` are folders that go before all others.
    pub fn new(first: &[PathBuf]) -> Self {
        let executable = std::env::current_exe().and_then(std::fs::canonicalize).ok();
        let variable = std::env::var_os("GAUGELINK_PLUGIN_PATH").unwrap_or_default();
        Self::of(first, executable.as_deref(), &std::env::split_paths(&variable).collect::<Vec<_>>())
    }
    fn of(first: &[PathBuf], executable: Option<&Path>, last: &[PathBuf]) -> Self {
        let mut folders = first.to_vec();
        if let Some(folder) = executable.and_then(Path::parent) {
            folders.extend([folder.to_path_buf(), folder.join("deps")]);
            if let Some(prefix) = folder.parent() {
                folders.push(prefix.join("lib/gaugelink/plugins"));
            }
        }
        folders.extend_from_slice(last);
        // A relative folder would mean another file in another working directory; an empty one means nothing.
        folders.retain(|folder| folder.is_absolute());
        Self { folders }
    }
    /// The folders, first to last.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }
    /// The file of a plugin: `name` is an existing path, a file name, or the middle of `libglk_NAME.so` ("-" reads "_").
    pub fn find(&self, name: &str) -> Result<PathBuf, HostError> {
        let path = Path::new(name);
        if name.contains('/') {
            return std::fs::canonicalize(path).map_err(|_| unusable(path));
        }
        let library = format!("libglk_{}.so", name.replace('-', "_"));
        for folder in &self.folders {
            for file in [name, &library] {
                let candidate = folder.join(file);
                if candidate.is_file() {
                    return Ok(candidate);
                }
            }
        }
        let missing = || HostError::Missing { name: name.into(), folders: self.folders.clone() };
        Err(self.folders.iter().find_map(|folder| no_file(&folder.join(&library))).unwrap_or_else(missing))
    }
    /// Every `libglk_*.so` of the folders, the first of each name, in order of names.
    pub fn all(&self) -> Vec<PathBuf> {
        let mut found = std::collections::BTreeMap::new();
        for folder in &self.folders {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.starts_with("libglk_") && name.ends_with(".so") {
                    found.entry(name).or_insert_with(|| entry.path());
                }
            }
        }
        found.into_values().collect()
    }
}

/// Why a path that is no file cannot be a plugin.
pub(crate) fn unusable(path: &Path) -> HostError {
    no_file(path).unwrap_or_else(|| {
        let what =
            "there is no such file; check the path, or give the plugin's name alone to have it looked for";
        HostError::NoFile { path: path.into(), what: what.into() }
    })
}

/// Why this path, under which there is something, leads to no file; `None` where there is nothing, or a file.
fn no_file(path: &Path) -> Option<HostError> {
    let here = std::fs::symlink_metadata(path).ok()?;
    let what = match std::fs::metadata(path) {
        Ok(found) if found.is_file() => return None,
        Ok(found) if found.is_dir() => "is a folder; give the file of the plugin, libglk_NAME.so".into(),
        Ok(_) => "is a pipe, socket or device; give the file of the plugin, libglk_NAME.so".into(),
        Err(_) if here.is_symlink() => {
            let target = std::fs::read_link(path).unwrap_or_default();
            format!(
                "is a link to {}, where nothing is; build or install the plugin, or mend the link",
                target.display()
            )
        }
        Err(error) => format!("cannot be looked at: {error}; check that you may read it"),
    };
    Some(HostError::NoFile { path: path.into(), what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_in_their_order_and_absolute() {
        let first = [PathBuf::from("/run"), PathBuf::from("relative")];
        let search =
            Search::of(&first, Some(Path::new("/opt/gl/bin/gaugelink")), &["/last".into(), "".into()]);
        let expected = ["/run", "/opt/gl/bin", "/opt/gl/bin/deps", "/opt/gl/lib/gaugelink/plugins", "/last"];
        assert_eq!(search.folders(), expected.map(PathBuf::from));
    }

    #[test]
    fn names_are_found_in_the_first_folder_that_has_them() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(b.path().join("libglk_my_flow.so"), "").unwrap();
        let search = Search::of(&[a.path().into(), b.path().into()], None, &[]);
        assert_eq!(search.find("my-flow").unwrap(), b.path().join("libglk_my_flow.so"));
        std::fs::write(a.path().join("libglk_my_flow.so"), "").unwrap();
        assert_eq!(search.find("libglk_my_flow.so").unwrap(), a.path().join("libglk_my_flow.so"));
        assert_eq!(search.all(), [a.path().join("libglk_my_flow.so")]);
        assert_eq!(search.find("/").unwrap(), Path::new("/"), "a path, though no plugin's");
        let error = search.find("other").unwrap_err().to_string();
        assert!(
            error.contains(a.path().to_str().unwrap()) && error.contains("GAUGELINK_PLUGIN_PATH"),
            "{error}"
        );
    }
}
