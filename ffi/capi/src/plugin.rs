//! Section "Plugins".

use crate::boundary::{entries, frees, get, give};
use crate::context::{Context, Shared};
use crate::error::Result;
use crate::structs::report;
use crate::text::{required, string};
use gaugelink_host::{ComponentInfo, Plugin, Search};
use gaugelink_plugin_sdk::Extensible;
use std::ffi::{CStr, CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `gaugelink_plugin`.
pub struct PluginHandle {
    pub context: Arc<Shared>,
    pub plugin: Plugin,
    path: CString,
    components: Vec<Texts>,
}

/// Strings of a component, for the host.
struct Texts([CString; 7], u64);

/// `gaugelink_component`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Component {
    size: u32,
    pad0: u32,
    texts: [*const c_char; 7],
    caps: u64,
}

impl Default for Component {
    fn default() -> Self {
        Self { size: 0, pad0: 0, texts: [std::ptr::null(); 7], caps: 0 }
    }
}

// SAFETY: begins with its size, no padding, zero is a value.
unsafe impl Extensible for Component {}

impl Texts {
    fn of(info: &ComponentInfo) -> Self {
        let texts = [
            &info.id,
            &info.interface,
            &info.version,
            &info.summary,
            &info.citation,
            &info.license,
            &info.config_schema,
        ];
        Self(texts.map(|text| string(text)), info.caps)
    }
}

impl PluginHandle {
    fn open(context: &Arc<Shared>, name: &str) -> Result<Self> {
        let path = Search::new(&own_folder()).find(name)?;
        let plugin = Plugin::open(&path)?;
        let components = plugin.components().iter().map(Texts::of).collect();
        let path = string(&plugin.path().to_string_lossy());
        Ok(Self { context: context.clone(), plugin, path, components })
    }
    /// The first component of an interface.
    pub fn first(&self, interface: &CStr) -> Option<&str> {
        let of = |info: &&ComponentInfo| info.interface.as_bytes() == interface.to_bytes();
        self.plugin.components().iter().find(of).map(|info| info.id.as_str())
    }
}

/// `gaugelink/plugins` beside the library, where an installed one has its plugins.
fn own_folder() -> Vec<PathBuf> {
    // SAFETY: an all-zero Dl_info is a value; dladdr takes any address and fills it.
    let file = unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        let here = own_folder as fn() -> Vec<PathBuf>;
        let found = libc::dladdr(here as *const libc::c_void, &raw mut info) != 0;
        (found && !info.dli_fname.is_null()).then(|| CStr::from_ptr(info.dli_fname).to_bytes())
    };
    let path = file.and_then(|file| std::fs::canonicalize(Path::new(OsStr::from_bytes(file))).ok());
    path.and_then(|path| Some(path.parent()?.join("gaugelink/plugins"))).into_iter().collect()
}

entries! {
    fn gaugelink_plugin_open(context: *const Context, name: *const c_char, out: *mut *mut PluginHandle) {
        give(out, || PluginHandle::open(&get(context, "context")?.0, required(name, "name")?))
    }
    fn gaugelink_plugin_component(plugin: *const PluginHandle, index: u32, out: *mut Component) {
        let components = &get(plugin, "plugin")?.components;
        let Some(Texts(texts, caps)) = components.get(index as usize) else {
            return Err(crate::error::Failure::invalid(format!(
                "component {index} of {}: they are counted from 0",
                components.len()
            )));
        };
        let texts = std::array::from_fn(|i| texts[i].as_ptr());
        report(out, &Component { texts, caps: *caps, ..Component::default() })
    }
}

frees! {
    fn gaugelink_plugin_free(PluginHandle);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_plugin_path(plugin: *const PluginHandle) -> *const c_char {
    // SAFETY: NULL or a handle that was not freed; the same below.
    unsafe { plugin.as_ref() }.map_or(c"".as_ptr(), |plugin| plugin.path.as_ptr())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_plugin_components(plugin: *const PluginHandle) -> u32 {
    // SAFETY: as above.
    unsafe { plugin.as_ref() }.map_or(0, |plugin| plugin.components.len() as u32)
}
