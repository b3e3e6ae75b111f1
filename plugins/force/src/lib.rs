//! The learned force as a plugin: `gaugelink.force`.
//!
//! F̂ is the gradient of Ŝ(U) = Σ_k c_k S_W(U^(k)), S_W Wilson's action at β = 1 and U^(k) the links after k stout steps
//! ρ_1…ρ_k. It is computed in double precision; links of the library's own layout are read in place.

mod placed;
mod settings;

use gaugelink_models::serve::{Instances, Meter, Place, finite, settings};
use gaugelink_plugin_sdk::{
    Args, Call, Component, Constructor, Dirac, Error, Force, Object, Query, Result, Stats, View, ViewMut,
    export_plugin, raw,
};
use placed::Placed;
use settings::Parameters;

const FORCE: Component = Component {
    id: "gaugelink.force",
    version: env!("CARGO_PKG_VERSION"),
    summary: "The gradient of Wilson actions of smeared links, with learned coefficients",
    citation: "Nagai and Tomiya, Phys. Rev. D 111 (2025) 074501; Morningstar and Peardon, Phys. Rev. D 69 (2004) 054501",
    license: "MIT OR Apache-2.0",
    config_schema: r#"{"type":"object","additionalProperties":false,"properties":{
"model":{"type":"string","description":"model file (safetensors) of a force; excludes the other keys"},
"c":{"type":"array","items":{"type":"number"},"default":[1.0],"description":"couplings c_0, c_1, ... of the levels of smearing"},
"rho":{"type":"array","items":{"type":"number"},"default":[],"description":"stout coefficients, one fewer than couplings"},
"beta":{"type":"number","description":"Wilson's action itself: c = [beta]; excludes c and rho"}}}"#,
    caps: raw::GLK_CAP_DETERMINISTIC
        | raw::GLK_CAP_GRID_INVARIANT
        | raw::GLK_CAP_STATELESS
        | raw::GLK_CAP_CONSERVATIVE
        | raw::GLK_CAP_EQUIVARIANT,
    scalars: &[raw::GLK_F32, raw::GLK_F64],
    site_orders: &[raw::GLK_SITE_LEX, raw::GLK_SITE_EO, raw::GLK_SITE_BLOCK, raw::GLK_SITE_TABLE],
    create: Constructor::Force(|args| Ok(Box::new(ServedForce::new(args)?))),
};

export_plugin! {
    id: "gaugelink.plugin.force",
    version: env!("CARGO_PKG_VERSION"),
    build_info: concat!("gaugelink ", env!("CARGO_PKG_VERSION")),
    components: [FORCE],
}

/// An object: the host's lattice and the force on it, once for each group and size of batch that was asked for.
struct ServedForce {
    place: Place,
    forces: Instances<Parameters>,
    stats: Stats,
}

impl ServedForce {
    fn new(args: &Args) -> Result<Self> {
        let place = Place::new(args)?;
        let parameters = Parameters::new(settings(args.config)?, args.base_dir, place.sites())?;
        Ok(Self { place, forces: Instances::new(parameters), stats: Stats::default() })
    }
    /// [`Instances::each`] with the links of every part; pseudofermions are refused.
    fn each(
        &mut self,
        call: &Call,
        links: &View,
        aux: &[View],
        mut pass: impl FnMut(&mut dyn Placed, &View, usize, usize, &mut Meter) -> Result<()>,
    ) -> Result<()> {
        if !aux.is_empty() {
            let naux = aux.len();
            return Err(Error::invalid(format!(
                "naux is {naux}; this force depends on the links alone: give none"
            )));
        }
        self.forces.each(&mut self.place, call, links, &mut self.stats, |force, first, count, meter| {
            let part = links.part(first, count)?;
            pass(force, &part, first, count, meter)
        })
    }
}

impl Object for ServedForce {
    fn query(&mut self, view: &View) -> Result<Query> {
        self.place.query(view)
    }
    fn stats(&self) -> Stats {
        self.stats
    }
}

impl Force for ServedForce {
    fn action(&mut self, call: &Call, u: &View, aux: &[View], _dirac: &[Dirac], s: &mut [f64]) -> Result<()> {
        self.each(call, u, aux, |force, u, first, count, meter| {
            let s = &mut s[first..first + count];
            force.action(u, s, &mut meter.copied)?;
            finite("the action", s)
        })
    }
    fn force(
        &mut self,
        call: &Call,
        u: &View,
        aux: &[View],
        _dirac: &[Dirac],
        scale: f64,
        f: &mut ViewMut,
    ) -> Result<()> {
        self.each(call, u, aux, |force, u, first, count, meter| {
            let mut f = f.part(first, count)?;
            force.force(u, scale, &mut f, &mut meter.copied)
        })
    }
}
