//! A learned preconditioner of Wilson's operator as a plugin: `gaugelink.precond`.
//!
//! z = M r with the symmetric parallel-transport layer of three weights, which are given, read from a model file, or
//! fitted in closed form when the object is set up. Links and spinors of the library's own layout are used in place; it
//! computes in the precision of the links.

mod placed;
mod settings;

use gaugelink_models::serve::{Instances, Place, settings};
use gaugelink_physics::dirac::{Boundary, Described};
use gaugelink_plugin_sdk::{
    Args, Call, Component, Constructor, Cost, Dirac, Error, Object, Operator, Precond, Query, Result, Setup,
    Sink, Stats, View, ViewMut, export_plugin, raw,
};
use placed::Prepared;
use settings::Source;

const PRECOND: Component = Component {
    id: "gaugelink.precond",
    version: env!("CARGO_PKG_VERSION"),
    summary: "The symmetric parallel-transport layer for Wilson's operator: three weights, one application of the operator's cost",
    citation: "Lehner and Wettig, Phys. Rev. D 108 (2023) 034503, arXiv:2302.05419",
    license: "MIT OR Apache-2.0",
    config_schema: r#"{"type":"object","additionalProperties":false,"properties":{
"fit":{"type":"boolean","default":true,"description":"fit the weights at set-up; excludes a and model"},
"vectors":{"type":"integer","minimum":1,"default":4,"description":"Gaussian vectors of the fit"},
"seed":{"type":"integer","minimum":0,"default":1,"description":"seed of the vectors"},
"a":{"type":"array","items":{"type":"number"},"minItems":3,"maxItems":3,"description":"the weights a0, a1, a2"},
"model":{"type":"string","description":"model file (safetensors) of a preconditioner"}}}"#,
    caps: raw::GLK_CAP_DETERMINISTIC | raw::GLK_CAP_GRID_INVARIANT | raw::GLK_CAP_LINEAR,
    scalars: &[raw::GLK_F32, raw::GLK_F64],
    site_orders: &[raw::GLK_SITE_LEX, raw::GLK_SITE_EO, raw::GLK_SITE_BLOCK, raw::GLK_SITE_TABLE],
    create: Constructor::Precond(|args| Ok(Box::new(ServedPrecond::new(args)?))),
};

export_plugin! {
    id: "gaugelink.plugin.precond",
    version: env!("CARGO_PKG_VERSION"),
    build_info: concat!("gaugelink ", env!("CARGO_PKG_VERSION")),
    components: [PRECOND],
}

/// An object.
struct ServedPrecond {
    place: Place,
    made: Instances<Source>,
    ready: Option<Ready>,
    stats: Stats,
}

/// What the last set-up was for.
#[derive(Clone, Copy)]
struct Ready {
    index: usize,
    generation: u64,
    /// Address of the links: two fields may be of the same generation.
    plane: usize,
    target: Described,
    cost: Cost,
}

impl ServedPrecond {
    fn new(args: &Args) -> Result<Self> {
        let place = Place::new(args)?;
        let source = Source::new(settings(args.config)?, args.base_dir)?;
        Ok(Self { place, made: Instances::new(source), ready: None, stats: Stats::default() })
    }
    fn prepared(&mut self) -> Result<(&mut dyn Prepared, &Ready)> {
        let ready = self.ready.as_ref().ok_or_else(|| {
            Error::precondition("apply comes after setup: call setup for the links and the operator first")
        })?;
        Ok((self.made.get(ready.index), ready))
    }
    /// Whether a set-up that keeps all may keep it.
    fn reuse(&self, u: &View, target: Described) -> Result<()> {
        let stale = |reason: &str| {
            Err(Error::precondition(format!("setup with REUSE: {reason}; use REFRESH or RESET")))
        };
        match self.ready {
            None => stale("nothing was set up yet"),
            Some(_) if u.as_raw().generation == 0 => stale("generation is 0, so the links may have changed"),
            Some(ready) if ready.generation != u.as_raw().generation => {
                stale("the links are of another generation than those set up with")
            }
            Some(ready) if ready.plane != u.as_raw().plane[0].addr() => {
                stale("the links stand elsewhere than those set up with")
            }
            Some(ready) if ready.target != target => stale("the operator is another than that set up with"),
            Some(_) => Ok(()),
        }
    }
}

impl Object for ServedPrecond {
    fn query(&mut self, view: &View) -> Result<Query> {
        self.place.query(view)
    }
    fn stats(&self) -> Stats {
        self.stats
    }
}

impl Precond for ServedPrecond {
    fn setup(
        &mut self,
        call: &Call,
        u: &View,
        dirac: &Dirac,
        mode: Setup,
        _m: Option<Operator>,
    ) -> Result<()> {
        let target = Described::new(dirac)?;
        if target.mass <= -4.0 {
            return Err(Error::unsupported(format!(
                "dirac: mass is {}; one above -4 is served",
                target.mass
            )));
        }
        if mode == Setup::Reuse {
            let kept = self.reuse(u, target);
            if kept.is_err() {
                // The host believes in other links than ours: apply has to say so, too.
                self.ready = None;
            }
            return kept;
        }
        self.ready = None;
        if u.batch() > 1 {
            let nrhs = u.batch();
            return Err(Error::unsupported(format!(
                "nrhs of the links is {nrhs}; one configuration is served"
            )));
        }
        let mut meter = self.place.begin(call);
        let (index, _) = self.made.index(u, &mut self.place)?;
        let host = self.place.host().as_raw();
        // Phases that are in the links already are not put there again.
        let turns = |mu| if host.bc_in_links != 0 { 0.0 } else { host.bc_phase[mu] };
        let boundary = Boundary::from_turns(std::array::from_fn(turns))?;
        let prepared = self.made.get(index);
        prepared.setup(u, target, boundary, mode == Setup::Reset, &mut meter.copied)?;
        let cost = prepared.cost()?;
        let (generation, plane) = (u.as_raw().generation, u.as_raw().plane[0].addr());
        self.ready = Some(Ready { index, generation, plane, target, cost });
        self.stats = meter.stats();
        Ok(())
    }
    fn apply(&mut self, call: &Call, r: &View, z: &mut ViewMut, dagger: bool) -> Result<()> {
        let mut meter = self.place.begin(call);
        let (prepared, ready) = self.prepared()?;
        for (name, parity) in [("r", r.as_raw().parity), ("z", z.as_view().as_raw().parity)] {
            if parity != raw::GLK_BOTH {
                return Err(Error::unsupported(format!(
                    "{name}: parity is {parity}; fields of both parities are served"
                )));
            }
        }
        for b in 0..r.batch() {
            let dagger = dagger != ready.target.dagger;
            let (r, mut z) = (r.part(b, 1)?, z.part(b, 1)?);
            prepared.apply(&r, &mut z, dagger, &mut meter.copied)?;
        }
        let flops = ready.cost.flops * r.batch() as f64;
        self.stats = Stats { flops, ..meter.stats() };
        Ok(())
    }
    fn cost(&mut self) -> Result<Cost> {
        Ok(self.prepared()?.1.cost)
    }
    fn self_test(&mut self, call: &Call, report: &mut Sink) -> Result<()> {
        let _meter = self.place.begin(call);
        self.prepared()?.0.self_test(report)
    }
}
