//! What a plugin offers, and what a host asks for when it makes an object.

use crate::call::{on_cpu, string, text};
use crate::raw::{self, glk_component, glk_str};
use crate::{Error, Flow, Force, Host, Lattice, Precond, Proposal, Result, sized};
use std::path::Path;

/// One component: constant, readable before anything runs.
pub struct Component {
    /// Reverse DNS: `org.example.stout-flow`.
    pub id: &'static str,
    /// Version of the component.
    pub version: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Paper and equations.
    pub citation: &'static str,
    /// SPDX expression.
    pub license: &'static str,
    /// JSON Schema of the configuration; empty if there are no keys.
    pub config_schema: &'static str,
    /// `GLK_CAP_*`.
    pub caps: u64,
    /// Codes of `GLK_F32`, ...: which scalars are served.
    pub scalars: &'static [i32],
    /// Codes of `GLK_SITE_LEX`, ...: which site orders are served.
    pub site_orders: &'static [i32],
    /// Makes objects; decides the interface.
    pub create: Constructor,
}

/// How an object of each interface is made.
#[derive(Clone, Copy)]
pub enum Constructor {
    /// `glk.flow/1`
    Flow(fn(&Args) -> Result<Box<dyn Flow>>),
    /// `glk.force/1`
    Force(fn(&Args) -> Result<Box<dyn Force>>),
    /// `glk.precond/1`
    Precond(fn(&Args) -> Result<Box<dyn Precond>>),
    /// `glk.proposal/1`
    Proposal(fn(&Args) -> Result<Box<dyn Proposal>>),
}

/// The text of a configuration.
#[derive(Clone, Copy, Debug)]
pub enum Config<'a> {
    /// TOML.
    Toml(&'a str),
    /// JSON.
    Json(&'a str),
    /// None: defaults.
    Empty,
}

/// What the host gives to `create`.
pub struct Args<'a> {
    /// The host; a copy may be kept by the object.
    pub host: Host,
    /// The lattice; to be cloned by the object.
    pub lattice: Lattice,
    /// The configuration. Unknown keys are errors.
    pub config: Config<'a>,
    /// Where relative paths in the configuration begin; empty: the working directory.
    pub base_dir: &'a Path,
    /// `GLK_CREATE_*`: properties that the host requires.
    pub flags: u32,
}

impl<'a> Args<'a> {
    /// # Safety
    /// `raw` follows `plugin.h`, and what it points to lives for `'a` (the host: as long as the object).
    pub(crate) unsafe fn new(raw: *const raw::glk_create) -> Result<Self> {
        // SAFETY: the caller's promise, here and below.
        unsafe {
            let raw =
                sized::read(raw).ok_or_else(|| Error::invalid("create is NULL or its size is not set"))?;
            on_cpu(raw.exec)?;
            let config = match (raw.config_format, text(raw.config, "config")?) {
                (_, "") => Config::Empty,
                (raw::GLK_CONFIG_TOML, toml) => Config::Toml(toml),
                (raw::GLK_CONFIG_JSON, json) => Config::Json(json),
                (other, _) => {
                    return Err(Error::invalid(format!(
                        "config_format is {other}; 1 (TOML), 2 (JSON) exist"
                    )));
                }
            };
            Ok(Self {
                host: Host::new(raw.host)?,
                lattice: Lattice::from_raw(raw.lattice)?,
                config,
                base_dir: Path::new(text(raw.base_dir, "base_dir")?),
                flags: raw.flags,
            })
        }
    }
}

impl Component {
    /// The C descriptor.
    pub(crate) const fn raw(&self) -> glk_component {
        glk_component {
            size: size_of::<glk_component>() as u32,
            pad0: 0,
            id: string(self.id),
            interface_id: string(self.create.interface()),
            version: string(self.version),
            summary: string(self.summary),
            citation: string(self.citation),
            license: string(self.license),
            config_schema: string(self.config_schema),
            caps: self.caps,
            devices: 1 << raw::GLK_DEV_CPU,
            scalars: set(self.scalars),
            site_orders: set(self.site_orders),
        }
    }
    /// No component, to fill an array with.
    pub(crate) const fn none() -> glk_component {
        const NONE: glk_str = string("");
        glk_component {
            size: 0,
            pad0: 0,
            id: NONE,
            interface_id: NONE,
            version: NONE,
            summary: NONE,
            citation: NONE,
            license: NONE,
            config_schema: NONE,
            caps: 0,
            devices: 0,
            scalars: 0,
            site_orders: 0,
        }
    }
}

impl Constructor {
    /// `glk.flow/1`, ...
    pub const fn interface(&self) -> &'static str {
        match self {
            Self::Flow(_) => "glk.flow/1",
            Self::Force(_) => "glk.force/1",
            Self::Precond(_) => "glk.precond/1",
            Self::Proposal(_) => "glk.proposal/1",
        }
    }
}

/// Bits of codes.
const fn set(codes: &[i32]) -> u64 {
    let (mut bits, mut i) = (0, 0);
    while i < codes.len() {
        bits |= 1 << codes[i];
        i += 1;
    }
    bits
}
