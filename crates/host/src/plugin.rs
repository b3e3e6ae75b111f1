//! Opening a plugin and reading what it offers.

use crate::{HostError, elf, search};
use gaugelink_plugin_sdk::{Error, raw, read_sized, sized_struct};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open plugin. Its library stays in the process for ever.
#[derive(Clone)]
pub struct Plugin {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) path: PathBuf,
    pub(crate) table: raw::glk_plugin,
    components: Vec<ComponentInfo>,
}

// SAFETY: the table is constant; what is not callable from any thread takes an object, which is not shared.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

/// What a plugin says about one of its components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentInfo {
    /// Reverse DNS.
    pub id: String,
    /// `glk.flow/1`, ...
    pub interface: String,
    /// Version of the component.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// Papers.
    pub citation: String,
    /// SPDX expression.
    pub license: String,
    /// JSON Schema of the configuration.
    pub config_schema: String,
    /// `GLK_CAP_*`.
    pub caps: u64,
    /// Bits of `GLK_DEV_*`.
    pub devices: u64,
    /// Bits of `GLK_F32`, ...
    pub scalars: u64,
    /// Bits of `GLK_SITE_*`.
    pub site_orders: u64,
}

impl Plugin {
    /// Opens a plugin by its absolute path and reads its components. Nothing of it is initialised.
    ///
    /// # Errors
    /// If it is no plugin of this major version, or its descriptor breaks the rules.
    pub fn open(path: &Path) -> Result<Self, HostError> {
        Self::open_as(path, raw::GLK_ABI_MINOR)
    }
    /// As [`Self::open`], as a host of another minor version.
    pub(crate) fn open_as(path: &Path, minor: u32) -> Result<Self, HostError> {
        use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
        /// libc's value on Linux; libloading has no name for it.
        const RTLD_NODELETE: i32 = 0x1000;
        if !path.is_absolute() {
            return Err(HostError::Relative(path.into()));
        }
        // A pipe would be waited for, so what is no file is not opened.
        if !path.is_file() {
            return Err(search::unusable(path));
        }
        let unusable = |reason: String| HostError::Open { path: path.into(), reason };
        if let Some(flaw) = elf::flaw(path).map_err(|error| unusable(error.to_string()))? {
            return Err(unusable(flaw));
        }
        // SAFETY: initialisers of a library run here; a plugin promises to have none with effects.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) };
        let library =
            library.map_err(|error| HostError::Open { path: path.into(), reason: reason(&error) })?;
        // SAFETY: plugin.h gives this symbol this type.
        let entry = unsafe { library.get::<unsafe extern "C" fn(u32) -> *const raw::glk_plugin>(ENTRY) };
        let entry = *entry.map_err(|_| HostError::NoEntry(path.into()))?;
        // Never unloaded: threads and static data of the plugin may live on.
        std::mem::forget(library);
        let refused = |reason: String| HostError::Refused { path: path.into(), reason };
        // SAFETY: the entry point is pure.
        let table = unsafe { entry(minor) };
        if table.is_null() {
            return Err(refused(format!(
                "the plugin does not serve hosts of ABI 1.{minor}; use a plugin built for this version"
            )));
        }
        // SAFETY: plugin.h makes this a struct that begins with its size.
        let table = unsafe { read_sized(table) }.unwrap_or_default();
        // Up to the list of components a table means nothing without.
        let least = std::mem::offset_of!(raw::glk_plugin, init);
        if (table.size as usize) < least {
            return Err(refused(format!(
                "its glk_plugin.size is {}, and a table has {least} bytes or more; its author sets it to sizeof(glk_plugin)",
                table.size
            )));
        }
        if table.abi_major != raw::GLK_ABI_MAJOR {
            return Err(refused(format!(
                "the plugin speaks ABI {}.{}, this host speaks 1.{}; use a plugin built for major version 1",
                table.abi_major,
                table.abi_minor,
                raw::GLK_ABI_MINOR
            )));
        }
        if table.create.is_none() || table.destroy.is_none() || table.get.is_none() {
            return Err(refused("its table lacks create, destroy or get; tell its author".into()));
        }
        let components = components(&table).map_err(refused)?;
        Ok(Self { inner: Arc::new(Inner { path: path.into(), table, components }) })
    }
    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }
    /// Reverse DNS of the plugin.
    pub fn id(&self) -> String {
        string(self.inner.table.id).unwrap_or_default()
    }
    /// Version of the plugin.
    pub fn version(&self) -> String {
        string(self.inner.table.version).unwrap_or_default()
    }
    /// Compiler, revision, features.
    pub fn build_info(&self) -> String {
        string(self.inner.table.build_info).unwrap_or_default()
    }
    /// Minor version of the ABI that it was built with.
    pub fn abi_minor(&self) -> u32 {
        self.inner.table.abi_minor
    }
    /// What it offers.
    pub fn components(&self) -> &[ComponentInfo] {
        &self.inner.components
    }
    /// The component with this id.
    ///
    /// # Errors
    /// If there is none, naming those there are.
    pub fn component(&self, id: &str) -> Result<&ComponentInfo, HostError> {
        self.inner.components.iter().find(|component| component.id == id).ok_or_else(|| {
            let known: Vec<_> = self.inner.components.iter().map(|component| component.id.as_str()).collect();
            let reason = format!("has no component '{id}'; it has {}", known.join(", "));
            HostError::Refused { path: self.inner.path.clone(), reason }
        })
    }
    pub(crate) fn table(&self) -> &raw::glk_plugin {
        &self.inner.table
    }
    /// Ok, or the plugin's own words.
    #[inline]
    pub(crate) fn answer(&self, status: raw::glk_status, error: &raw::glk_error) -> Result<(), HostError> {
        if status == raw::GLK_OK { Ok(()) } else { Err(self.fails(Error::load(status, error))) }
    }
    #[cold]
    pub(crate) fn fails(&self, error: Error) -> HostError {
        HostError::Call { path: self.inner.path.clone(), error }
    }
}

const ENTRY: &[u8] = b"glk_plugin_entry_v1\0";

/// What the system's linker says, without the library's wrapping.
fn reason(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Most components of a plugin: more is a number that was never set.
const COMPONENTS_MAX: usize = 4096;

fn components(table: &raw::glk_plugin) -> Result<Vec<ComponentInfo>, String> {
    let count = table.ncomponents as usize;
    let place = table.components;
    if count == 0 || count > COMPONENTS_MAX || place.is_null() || !place.is_aligned() {
        return Err(format!(
            "it lists {count} components at {place:?}; 1 to {COMPONENTS_MAX} are possible; tell its author"
        ));
    }
    // SAFETY: plugin.h makes this an array of `ncomponents` pointers; a count that is too large cannot be seen from here.
    let pointers = unsafe { std::slice::from_raw_parts(place, count) };
    pointers.iter().enumerate().map(|(i, &pointer)| component(i, pointer)).collect()
}

fn component(i: usize, pointer: *const raw::glk_component) -> Result<ComponentInfo, String> {
    let wrong = |what: &str| format!("component {i} {what}; tell its author");
    if !pointer.is_aligned() {
        return Err(wrong("is no pointer to a struct"));
    }
    // SAFETY: an entry of the plugin's array, which plugin.h makes NULL or a struct with its size.
    let raw = unsafe { read_sized(pointer) }.ok_or_else(|| wrong("is NULL or has no size"))?;
    // Up to the interface's id a component means nothing without.
    let least = std::mem::offset_of!(raw::glk_component, version);
    if (raw.size as usize) < least || raw.size > 1 << 16 {
        return Err(wrong(&format!("says that it has {} bytes; at least {least} are needed", raw.size)));
    }
    let text = |text: raw::glk_str| string(text).map_err(|what| wrong(&what));
    let (id, interface) = (text(raw.id)?, text(raw.interface_id)?);
    if id.is_empty() || interface.is_empty() {
        return Err(wrong("has no id or no interface"));
    }
    Ok(ComponentInfo {
        id,
        interface,
        version: text(raw.version)?,
        summary: text(raw.summary)?,
        citation: text(raw.citation)?,
        license: text(raw.license)?,
        config_schema: text(raw.config_schema)?,
        caps: raw.caps,
        devices: raw.devices,
        scalars: raw.scalars,
        site_orders: raw.site_orders,
    })
}

fn string(text: raw::glk_str) -> Result<String, String> {
    if text.len == 0 {
        return Ok(String::new());
    }
    if text.ptr.is_null() || text.len > 1 << 24 {
        return Err("has a text that is NULL or longer than 16 MiB".into());
    }
    // SAFETY: strings of descriptors are valid for ever.
    let bytes = unsafe { std::slice::from_raw_parts(text.ptr.cast::<u8>(), text.len as usize) };
    String::from_utf8(bytes.to_vec()).map_err(|_| "has a text that is not UTF-8".into())
}

/// An empty struct for an answer.
pub(crate) fn no_error() -> raw::glk_error {
    sized_struct()
}
