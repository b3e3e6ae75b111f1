//! An object of the ABI as C sees it, with what the checker makes of its arguments.

use super::Subject;
use super::fields::Setting;
use super::log::Verdict;
use super::plane::Plane;
use crate::Exec;
use crate::plugin::no_error;
use gaugelink_plugin_sdk::raw::{self, glk_error, glk_object, glk_status, glk_view};
use gaugelink_plugin_sdk::{Dirac, Error, Rng, ViewMut, read_sized, sized_struct};
use std::ptr::{null, null_mut};

/// What calls of the object under test are made of.
pub(super) struct Rig<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) setting: &'a Setting,
}

/// Arguments of the main function beside its views.
pub(super) struct Arguments {
    /// `GLK_DEV_*` of the exec.
    pub(super) device: i32,
    /// Pseudofermions that are said to be at NULL.
    pub(super) naux: u64,
    /// The operator of a preconditioner.
    pub(super) dirac: Dirac,
    /// Random numbers of a proposal.
    pub(super) rng: *const Rng,
}

/// Wilson's operator as the checker has it.
pub(super) fn wilson() -> Dirac {
    let mut dirac = sized_struct::<Dirac>();
    (dirac.op, dirac.mass) = (raw::GLK_DIRAC_WILSON, 0.1);
    dirac
}

/// An address of random numbers.
pub(super) const fn draws(call: u64) -> Rng {
    Rng { size: size_of::<Rng>() as u32, algorithm: raw::GLK_RNG_CHACHA20, key: [42; 32], epoch: 3, call }
}

static DRAWS: Rng = draws(1);

impl Default for Arguments {
    fn default() -> Self {
        Self { device: raw::GLK_DEV_CPU, naux: 0, dirac: wilson(), rng: &raw const DRAWS }
    }
}

pub(super) fn string(text: &str) -> raw::glk_str {
    raw::glk_str { ptr: text.as_ptr().cast(), len: text.len() as u64 }
}

/// The sentence of a status that should be an error.
pub(super) fn told(status: glk_status, error: &glk_error) -> String {
    if status == raw::GLK_OK { "it was served".into() } else { Error::load(status, error).to_string() }
}

/// Passed if the answer is an error.
pub(super) fn refused(status: glk_status, error: &glk_error) -> Verdict {
    Verdict::of(status != raw::GLK_OK, told(status, error))
}

impl Rig<'_> {
    /// Creates an object after `change`; the object, if any, is destroyed by the caller.
    pub(super) fn create(
        &self,
        id: &str,
        change: impl FnOnce(&mut raw::glk_create),
    ) -> (glk_status, *mut glk_object, glk_error) {
        let exec = Exec::default().raw();
        let mut create = sized_struct::<raw::glk_create>();
        create.host = self.subject.services.as_raw();
        create.lattice = self.setting.lattice.as_raw();
        create.exec = &raw const exec;
        create.config_format = raw::GLK_CONFIG_TOML;
        create.config = string(self.subject.config());
        let base = self.subject.options.base_dir.to_string_lossy().into_owned();
        create.base_dir = string(&base);
        change(&mut create);
        let (mut object, mut error) = (null_mut(), no_error());
        let function = self.subject.plugin.table().create.expect("checked on opening");
        // SAFETY: whole structs, apart from what the check changed within the rules of plugin.h.
        let status = unsafe { function(&string(id), &raw const create, &raw mut object, &raw mut error) };
        (status, object, error)
    }
    pub(super) fn destroy(&self, object: *mut glk_object) {
        // SAFETY: the object is the plugin's own, or NULL.
        unsafe { self.subject.plugin.table().destroy.expect("checked on opening")(object) };
    }
    /// What the main function writes to.
    pub(super) fn output<'o>(&self, out: &'o mut [f64]) -> ViewMut<'o> {
        let (lattice, n) = (&self.setting.lattice, self.setting.n);
        match self.subject.info.interface.as_str() {
            "glk.force/1" => ViewMut::algebra(out, lattice, n),
            _ => ViewMut::gauge(out, lattice, n),
        }
        .expect("a whole field")
    }
    /// The main function of the interface: forward, force, setup or propose.
    pub(super) fn main_call(
        &self,
        object: *mut glk_object,
        input: *const glk_view,
        output: *mut glk_view,
        error: *mut glk_error,
    ) -> glk_status {
        self.main_call_with(object, input, output, error, &Arguments::default())
    }
    /// As [`Self::main_call`] with arguments of one's own.
    pub(super) fn main_call_with(
        &self,
        object: *mut glk_object,
        input: *const glk_view,
        output: *mut glk_view,
        error: *mut glk_error,
        arguments: &Arguments,
    ) -> glk_status {
        let mut exec = Exec { threads: 1 }.raw();
        exec.device_type = arguments.device;
        let get = self.subject.plugin.table().get.expect("checked on opening");
        let mut number = Plane::filled(0.0, 1);
        let (naux, number) = (arguments.naux, number.as_mut_ptr());
        // SAFETY: tables of the ids' types; arguments within the rules of plugin.h.
        unsafe {
            match self.subject.info.interface.as_str() {
                "glk.flow/1" => read_sized(get(raw::GLK_FLOW_ID.as_ptr()).cast::<raw::glk_flow>())
                    .and_then(|table| table.forward)
                    .map(|f| f(object, &exec, input, output, number, error)),
                "glk.force/1" => read_sized(get(raw::GLK_FORCE_ID.as_ptr()).cast::<raw::glk_force>())
                    .and_then(|table| table.force)
                    .map(|f| f(object, &exec, input, null(), null(), naux, 1.0, output, error)),
                "glk.proposal/1" => {
                    read_sized(get(raw::GLK_PROPOSAL_ID.as_ptr()).cast::<raw::glk_proposal>())
                        .and_then(|table| table.propose)
                        .map(|f| {
                            f(
                                object,
                                &exec,
                                arguments.rng,
                                input,
                                null(),
                                naux,
                                output,
                                null(),
                                number,
                                error,
                            )
                        })
                }
                _ => read_sized(get(raw::GLK_PRECOND_ID.as_ptr()).cast::<raw::glk_precond>())
                    .and_then(|table| table.setup)
                    .map(|f| {
                        let (dirac, reset) = (&raw const arguments.dirac, raw::GLK_SETUP_RESET);
                        f(object, &exec, input, dirac, reset, None, null_mut(), error)
                    }),
            }
            .unwrap_or(raw::GLK_UNSUPPORTED)
        }
    }
}
