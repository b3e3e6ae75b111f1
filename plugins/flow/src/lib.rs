//! Flows as a plugin: `gaugelink.flow`.
//!
//! The configuration names a model file, or describes masked residual layers with one constant coefficient. Links of the
//! library's own layout are mapped in place.

mod architecture;
mod placed;

use architecture::Architecture;
use gaugelink_lattice::rng::Address;
use gaugelink_models::serve::{Instances, Meter, Place, draws, finite, settings};
use gaugelink_plugin_sdk::{
    Args, Call, Component, Constructor, Flow, Object, Query, Result, Rng, Stats, View, ViewMut,
    export_plugin, raw,
};
use placed::{Pass, Placed};

const FLOW: Component = Component {
    id: "gaugelink.flow",
    version: env!("CARGO_PKG_VERSION"),
    summary: "A normalising flow from a model file, or masked residual layers with a constant coefficient",
    citation: "Kanwar et al., arXiv:2003.06413 (coupling layers); Abbott et al., arXiv:2401.10874 (residual layers)",
    license: "MIT OR Apache-2.0",
    config_schema: r#"{"type":"object","additionalProperties":false,"properties":{
"model":{"type":"string","description":"model file (safetensors) of a flow; excludes the other keys but nc and beta"},
"beta":{"type":"number","description":"coupling, for a model of a range of couplings"},
"kind":{"enum":["residual"],"description":"built-in architecture"},
"rho":{"type":"number","default":0.1,"description":"coefficient of every staple"},
"sublayers":{"type":"integer","minimum":1,"description":"default: 2 for each direction, which moves every link once"},
"nc":{"type":"integer","minimum":1,"maximum":3,"description":"accept links of this group only: 1 U(1), 2 SU(2), 3 SU(3)"}}}"#,
    caps: raw::GLK_CAP_DETERMINISTIC
        | raw::GLK_CAP_GRID_INVARIANT
        | raw::GLK_CAP_STATELESS
        | raw::GLK_CAP_EXACT_DENSITY
        | raw::GLK_CAP_EQUIVARIANT,
    scalars: &[raw::GLK_F32, raw::GLK_F64],
    site_orders: &[raw::GLK_SITE_LEX, raw::GLK_SITE_EO, raw::GLK_SITE_BLOCK, raw::GLK_SITE_TABLE],
    create: Constructor::Flow(|args| Ok(Box::new(ServedFlow::new(args)?))),
};

export_plugin! {
    id: "gaugelink.plugin.flow",
    version: env!("CARGO_PKG_VERSION"),
    build_info: concat!("gaugelink ", env!("CARGO_PKG_VERSION")),
    components: [FLOW],
}

/// An object: the host's lattice and the flow on it, once for each group, precision and batch that was asked for.
struct ServedFlow {
    place: Place,
    flows: Instances<Architecture>,
    stats: Stats,
}

impl ServedFlow {
    fn new(args: &Args) -> Result<Self> {
        let place = Place::new(args)?;
        let architecture = Architecture::new(settings(args.config)?, args.base_dir, &place)?;
        Ok(Self { place, flows: Instances::new(architecture), stats: Stats::default() })
    }
    /// [`Instances::each`] of the flows.
    fn each(
        &mut self,
        call: &Call,
        links: &View,
        pass: impl FnMut(&mut (dyn Placed + Send + 'static), usize, usize, &mut Meter) -> Result<()>,
    ) -> Result<()> {
        self.flows.each(&mut self.place, call, links, &mut self.stats, pass)
    }
}

impl Object for ServedFlow {
    fn query(&mut self, view: &View) -> Result<Query> {
        self.place.query(view)
    }
    fn stats(&self) -> Stats {
        self.stats
    }
}

impl Flow for ServedFlow {
    fn sample(&mut self, call: &Call, rng: &Rng, u: &mut ViewMut, log_q: &mut [f64]) -> Result<()> {
        let address: Address = draws(rng)?;
        let links = *u.as_view();
        self.each(call, &links, |flow, first, count, meter| {
            let log_q = &mut log_q[first..first + count];
            let address = address.chain(first as u64);
            let mut u = u.part(first, count)?;
            flow.sample(address, &mut u, log_q, Pass { call, copied: &mut meter.copied })?;
            finite("a log density", log_q)
        })
    }
    fn forward(&mut self, call: &Call, v: &View, u: &mut ViewMut, logdet: &mut [f64]) -> Result<()> {
        self.each(call, v, |flow, first, count, meter| {
            let logdet = &mut logdet[first..first + count];
            let (v, mut u) = (v.part(first, count)?, u.part(first, count)?);
            flow.forward(&v, &mut u, logdet, Pass { call, copied: &mut meter.copied })?;
            finite("a log density", logdet)
        })
    }
    fn inverse(&mut self, call: &Call, u: &View, v: &mut ViewMut, logdet: &mut [f64]) -> Result<()> {
        self.each(call, u, |flow, first, count, meter| {
            let logdet = &mut logdet[first..first + count];
            let (u, mut v) = (u.part(first, count)?, v.part(first, count)?);
            flow.inverse(&u, &mut v, logdet, Pass { call, copied: &mut meter.copied })?;
            finite("a log density", logdet)
        })
    }
    fn log_density(&mut self, call: &Call, u: &View, log_q: &mut [f64]) -> Result<()> {
        self.each(call, u, |flow, first, count, meter| {
            let log_q = &mut log_q[first..first + count];
            let u = u.part(first, count)?;
            flow.log_density(&u, log_q, Pass { call, copied: &mut meter.copied })?;
            finite("a log density", log_q)
        })
    }
    fn pullback(&mut self, call: &Call, v: &View, f_u: &View, f_v: &mut ViewMut) -> Result<()> {
        self.each(call, v, |flow, first, count, meter| {
            let (v, f_u, mut f_v) = (v.part(first, count)?, f_u.part(first, count)?, f_v.part(first, count)?);
            flow.pullback(&v, &f_u, &mut f_v, Pass { call, copied: &mut meter.copied })
        })
    }
}
