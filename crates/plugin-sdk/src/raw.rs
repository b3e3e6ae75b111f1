//! The types of `include/gaugelink/plugin.h`, which documents them. Made by bindgen in `tests/bindings.rs`; not edited.

#![allow(missing_docs, non_camel_case_types, non_snake_case)]
#![allow(clippy::undocumented_unsafe_blocks)]

pub const GLK_ABI_MAJOR: u32 = 1;
pub const GLK_ABI_MINOR: u32 = 0;
pub const GLK_MAX_DIM: usize = 6;
pub const GLK_OK: i32 = 0;
pub const GLK_CANCELLED: i32 = 1;
pub const GLK_INVALID_ARG: i32 = 3;
pub const GLK_NOT_FOUND: i32 = 5;
pub const GLK_NO_MEMORY: i32 = 8;
pub const GLK_PRECONDITION: i32 = 9;
pub const GLK_UNSUPPORTED: i32 = 12;
pub const GLK_INTERNAL: i32 = 13;
pub const GLK_IO: i32 = 15;
pub const GLK_NOT_CONVERGED: i32 = 64;
pub const GLK_NONFINITE: i32 = 65;
pub const GLK_DEVICE: i32 = 66;
pub const GLK_COMM: i32 = 67;
pub const GLK_PANIC: i32 = 68;
pub const GLK_POISONED: i32 = 69;
pub const GLK_NEED_COPY: i32 = 70;
pub const GLK_DEV_CPU: i32 = 1;
pub const GLK_DEV_CUDA: i32 = 2;
pub const GLK_DEV_CUDA_HOST: i32 = 3;
pub const GLK_DEV_ROCM: i32 = 10;
pub const GLK_DEV_ROCM_HOST: i32 = 11;
pub const GLK_DEV_CUDA_MGD: i32 = 13;
pub const GLK_EXEC_ASYNC: u32 = 1;
pub const GLK_COMM_SELF: i32 = 0;
pub const GLK_COMM_HOST: i32 = 1;
pub const GLK_COMM_MPI_F: i32 = 2;
pub const GLK_MPI_UNKNOWN: i32 = 0;
pub const GLK_MPI_MPICH: i32 = 1;
pub const GLK_MPI_OPENMPI: i32 = 2;
pub const GLK_MPI_ABI: i32 = 3;
pub const GLK_GAUGE: i32 = 1;
pub const GLK_ALGEBRA: i32 = 2;
pub const GLK_WILSON: i32 = 3;
pub const GLK_STAGGERED: i32 = 4;
pub const GLK_SCALAR: i32 = 5;
pub const GLK_F16: i32 = 1;
pub const GLK_BF16: i32 = 2;
pub const GLK_F32: i32 = 3;
pub const GLK_F64: i32 = 4;
pub const GLK_SITE_LEX: i32 = 1;
pub const GLK_SITE_EO: i32 = 2;
pub const GLK_SITE_BLOCK: i32 = 3;
pub const GLK_SITE_BLOCK_EO: i32 = 4;
pub const GLK_SITE_TABLE: i32 = 5;
pub const GLK_BOTH: i32 = 0;
pub const GLK_EVEN: i32 = 1;
pub const GLK_ODD: i32 = 2;
pub const GLK_GAMMA_DEGRAND_ROSSI: i32 = 1;
pub const GLK_GAMMA_CHIRAL: i32 = 2;
pub const GLK_GAMMA_UKQCD: i32 = 3;
pub const GLK_ALG_F: i32 = 1;
pub const GLK_ALG_NEG_F: i32 = 2;
pub const GLK_VIEW_CONST: u32 = 1;
pub const GLK_VIEW_ACCUMULATE: u32 = 2;
pub const GLK_VIEW_TABLE_KEPT: u32 = 4;
pub const GLK_MAX_PLANES: usize = 8;
pub const GLK_RNG_CHACHA20: u32 = 1;
pub const GLK_HOST_COMM_ID: &::core::ffi::CStr = c"glk.host.comm/1";
pub const GLK_HOST_MEM_ID: &::core::ffi::CStr = c"glk.host.mem/1";
pub const GLK_HOST_PARALLEL_ID: &::core::ffi::CStr = c"glk.host.parallel/1";
pub const GLK_CAP_DETERMINISTIC: u64 = 1;
pub const GLK_CAP_GRID_INVARIANT: u64 = 2;
pub const GLK_CAP_STATELESS: u64 = 4;
pub const GLK_CAP_LINEAR: u64 = 8;
pub const GLK_CAP_HERMITIAN: u64 = 16;
pub const GLK_CAP_EXACT_DENSITY: u64 = 32;
pub const GLK_CAP_CONSERVATIVE: u64 = 64;
pub const GLK_CAP_EQUIVARIANT: u64 = 128;
pub const GLK_CAP_ASYNC: u64 = 256;
pub const GLK_CAP_MULTI_RANK: u64 = 512;
pub const GLK_CONFIG_TOML: i32 = 1;
pub const GLK_CONFIG_JSON: i32 = 2;
pub const GLK_CREATE_DETERMINISTIC: u32 = 1;
pub const GLK_CREATE_GRID_INVARIANT: u32 = 2;
pub const GLK_QUERY_NO: u32 = 0;
pub const GLK_QUERY_COPY: u32 = 1;
pub const GLK_QUERY_ZERO_COPY: u32 = 2;
pub const GLK_ENTRY_SYMBOL: &::core::ffi::CStr = c"glk_plugin_entry_v1";
pub const GLK_FLOW_ID: &::core::ffi::CStr = c"glk.flow/1";
pub const GLK_FORCE_ID: &::core::ffi::CStr = c"glk.force/1";
pub const GLK_PRECOND_ID: &::core::ffi::CStr = c"glk.precond/1";
pub const GLK_PROPOSAL_ID: &::core::ffi::CStr = c"glk.proposal/1";
pub const GLK_DIRAC_WILSON: i32 = 1;
pub const GLK_DIRAC_CLOVER: i32 = 2;
pub const GLK_DIRAC_MOBIUS: i32 = 3;
pub const GLK_DIRAC_STAGGERED: i32 = 4;
pub const GLK_DIRAC_FULL: i32 = 0;
pub const GLK_DIRAC_SYMMETRIC_EO: i32 = 1;
pub const GLK_DIRAC_ASYMMETRIC_EO: i32 = 2;
pub const GLK_DIRAC_BY_MASS: i32 = 0;
pub const GLK_DIRAC_BY_KAPPA: i32 = 1;
pub const GLK_SETUP_RESET: i32 = 0;
pub const GLK_SETUP_REFRESH: i32 = 1;
pub const GLK_SETUP_UPDATE: i32 = 2;
pub const GLK_SETUP_REUSE: i32 = 3;
pub type glk_status = i32;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct glk_error {
    pub size: u32,
    pub code: glk_status,
    pub device_code: i32,
    pub rank: i32,
    pub where_: [::core::ffi::c_char; 64usize],
    pub message: [::core::ffi::c_char; 432usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_error"][::core::mem::size_of::<glk_error>() - 512usize];
    ["Alignment of glk_error"][::core::mem::align_of::<glk_error>() - 4usize];
    [
        "Offset of field: glk_error::size",
    ][::core::mem::offset_of!(glk_error, size) - 0usize];
    [
        "Offset of field: glk_error::code",
    ][::core::mem::offset_of!(glk_error, code) - 4usize];
    [
        "Offset of field: glk_error::device_code",
    ][::core::mem::offset_of!(glk_error, device_code) - 8usize];
    [
        "Offset of field: glk_error::rank",
    ][::core::mem::offset_of!(glk_error, rank) - 12usize];
    [
        "Offset of field: glk_error::where_",
    ][::core::mem::offset_of!(glk_error, where_) - 16usize];
    [
        "Offset of field: glk_error::message",
    ][::core::mem::offset_of!(glk_error, message) - 80usize];
};
impl Default for glk_error {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct glk_str {
    pub ptr: *const ::core::ffi::c_char,
    pub len: u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_str"][::core::mem::size_of::<glk_str>() - 16usize];
    ["Alignment of glk_str"][::core::mem::align_of::<glk_str>() - 8usize];
    ["Offset of field: glk_str::ptr"][::core::mem::offset_of!(glk_str, ptr) - 0usize];
    ["Offset of field: glk_str::len"][::core::mem::offset_of!(glk_str, len) - 8usize];
};
impl Default for glk_str {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct glk_exec {
    pub size: u32,
    pub flags: u32,
    pub device_type: i32,
    pub device_id: i32,
    pub stream: *mut ::core::ffi::c_void,
    pub max_threads: u32,
    pub pad0: u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_exec"][::core::mem::size_of::<glk_exec>() - 32usize];
    ["Alignment of glk_exec"][::core::mem::align_of::<glk_exec>() - 8usize];
    [
        "Offset of field: glk_exec::size",
    ][::core::mem::offset_of!(glk_exec, size) - 0usize];
    [
        "Offset of field: glk_exec::flags",
    ][::core::mem::offset_of!(glk_exec, flags) - 4usize];
    [
        "Offset of field: glk_exec::device_type",
    ][::core::mem::offset_of!(glk_exec, device_type) - 8usize];
    [
        "Offset of field: glk_exec::device_id",
    ][::core::mem::offset_of!(glk_exec, device_id) - 12usize];
    [
        "Offset of field: glk_exec::stream",
    ][::core::mem::offset_of!(glk_exec, stream) - 16usize];
    [
        "Offset of field: glk_exec::max_threads",
    ][::core::mem::offset_of!(glk_exec, max_threads) - 24usize];
    [
        "Offset of field: glk_exec::pad0",
    ][::core::mem::offset_of!(glk_exec, pad0) - 28usize];
};
impl Default for glk_exec {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct glk_lattice {
    pub size: u32,
    pub ndim: u32,
    pub global: [i64; 6usize],
    pub local: [i64; 6usize],
    pub origin: [i64; 6usize],
    pub procs: [i32; 6usize],
    pub proc_coord: [i32; 6usize],
    pub nbr_fwd: [i32; 6usize],
    pub nbr_bwd: [i32; 6usize],
    pub bc_phase: [f64; 6usize],
    pub comm_kind: i32,
    pub mpi_flavour: i32,
    pub comm_fint: i32,
    pub rank: i32,
    pub nranks: i32,
    pub bc_in_links: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_lattice"][::core::mem::size_of::<glk_lattice>() - 320usize];
    ["Alignment of glk_lattice"][::core::mem::align_of::<glk_lattice>() - 8usize];
    [
        "Offset of field: glk_lattice::size",
    ][::core::mem::offset_of!(glk_lattice, size) - 0usize];
    [
        "Offset of field: glk_lattice::ndim",
    ][::core::mem::offset_of!(glk_lattice, ndim) - 4usize];
    [
        "Offset of field: glk_lattice::global",
    ][::core::mem::offset_of!(glk_lattice, global) - 8usize];
    [
        "Offset of field: glk_lattice::local",
    ][::core::mem::offset_of!(glk_lattice, local) - 56usize];
    [
        "Offset of field: glk_lattice::origin",
    ][::core::mem::offset_of!(glk_lattice, origin) - 104usize];
    [
        "Offset of field: glk_lattice::procs",
    ][::core::mem::offset_of!(glk_lattice, procs) - 152usize];
    [
        "Offset of field: glk_lattice::proc_coord",
    ][::core::mem::offset_of!(glk_lattice, proc_coord) - 176usize];
    [
        "Offset of field: glk_lattice::nbr_fwd",
    ][::core::mem::offset_of!(glk_lattice, nbr_fwd) - 200usize];
    [
        "Offset of field: glk_lattice::nbr_bwd",
    ][::core::mem::offset_of!(glk_lattice, nbr_bwd) - 224usize];
    [
        "Offset of field: glk_lattice::bc_phase",
    ][::core::mem::offset_of!(glk_lattice, bc_phase) - 248usize];
    [
        "Offset of field: glk_lattice::comm_kind",
    ][::core::mem::offset_of!(glk_lattice, comm_kind) - 296usize];
    [
        "Offset of field: glk_lattice::mpi_flavour",
    ][::core::mem::offset_of!(glk_lattice, mpi_flavour) - 300usize];
    [
        "Offset of field: glk_lattice::comm_fint",
    ][::core::mem::offset_of!(glk_lattice, comm_fint) - 304usize];
    [
        "Offset of field: glk_lattice::rank",
    ][::core::mem::offset_of!(glk_lattice, rank) - 308usize];
    [
        "Offset of field: glk_lattice::nranks",
    ][::core::mem::offset_of!(glk_lattice, nranks) - 312usize];
    [
        "Offset of field: glk_lattice::bc_in_links",
    ][::core::mem::offset_of!(glk_lattice, bc_in_links) - 316usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct glk_view {
    pub size: u32,
    pub flags: u32,
    pub kind: i32,
    pub scalar: i32,
    pub site_order: i32,
    pub parity: i32,
    pub device_type: i32,
    pub device_id: i32,
    pub nplanes: u32,
    pub gamma_basis: i32,
    pub algebra_conv: i32,
    pub dim5: i32,
    pub nspin: u32,
    pub ncolor: u32,
    pub nrow: u32,
    pub nrhs: u32,
    pub plane: [*mut ::core::ffi::c_void; 8usize],
    pub plane_bytes: u64,
    pub stride_site: i64,
    pub stride_mu: i64,
    pub stride_row: i64,
    pub stride_col: i64,
    pub stride_5: i64,
    pub stride_rhs: i64,
    pub stride_lane: i64,
    pub stride_reim: i64,
    pub simd: [i32; 6usize],
    pub halo: [i32; 6usize],
    pub site_table: *const i64,
    pub generation: u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_view"][::core::mem::size_of::<glk_view>() - 264usize];
    ["Alignment of glk_view"][::core::mem::align_of::<glk_view>() - 8usize];
    [
        "Offset of field: glk_view::size",
    ][::core::mem::offset_of!(glk_view, size) - 0usize];
    [
        "Offset of field: glk_view::flags",
    ][::core::mem::offset_of!(glk_view, flags) - 4usize];
    [
        "Offset of field: glk_view::kind",
    ][::core::mem::offset_of!(glk_view, kind) - 8usize];
    [
        "Offset of field: glk_view::scalar",
    ][::core::mem::offset_of!(glk_view, scalar) - 12usize];
    [
        "Offset of field: glk_view::site_order",
    ][::core::mem::offset_of!(glk_view, site_order) - 16usize];
    [
        "Offset of field: glk_view::parity",
    ][::core::mem::offset_of!(glk_view, parity) - 20usize];
    [
        "Offset of field: glk_view::device_type",
    ][::core::mem::offset_of!(glk_view, device_type) - 24usize];
    [
        "Offset of field: glk_view::device_id",
    ][::core::mem::offset_of!(glk_view, device_id) - 28usize];
    [
        "Offset of field: glk_view::nplanes",
    ][::core::mem::offset_of!(glk_view, nplanes) - 32usize];
    [
        "Offset of field: glk_view::gamma_basis",
    ][::core::mem::offset_of!(glk_view, gamma_basis) - 36usize];
    [
        "Offset of field: glk_view::algebra_conv",
    ][::core::mem::offset_of!(glk_view, algebra_conv) - 40usize];
    [
        "Offset of field: glk_view::dim5",
    ][::core::mem::offset_of!(glk_view, dim5) - 44usize];
    [
        "Offset of field: glk_view::nspin",
    ][::core::mem::offset_of!(glk_view, nspin) - 48usize];
    [
        "Offset of field: glk_view::ncolor",
    ][::core::mem::offset_of!(glk_view, ncolor) - 52usize];
    [
        "Offset of field: glk_view::nrow",
    ][::core::mem::offset_of!(glk_view, nrow) - 56usize];
    [
        "Offset of field: glk_view::nrhs",
    ][::core::mem::offset_of!(glk_view, nrhs) - 60usize];
    [
        "Offset of field: glk_view::plane",
    ][::core::mem::offset_of!(glk_view, plane) - 64usize];
    [
        "Offset of field: glk_view::plane_bytes",
    ][::core::mem::offset_of!(glk_view, plane_bytes) - 128usize];
    [
        "Offset of field: glk_view::stride_site",
    ][::core::mem::offset_of!(glk_view, stride_site) - 136usize];
    [
        "Offset of field: glk_view::stride_mu",
    ][::core::mem::offset_of!(glk_view, stride_mu) - 144usize];
    [
        "Offset of field: glk_view::stride_row",
    ][::core::mem::offset_of!(glk_view, stride_row) - 152usize];
    [
        "Offset of field: glk_view::stride_col",
    ][::core::mem::offset_of!(glk_view, stride_col) - 160usize];
    [
        "Offset of field: glk_view::stride_5",
    ][::core::mem::offset_of!(glk_view, stride_5) - 168usize];
    [
        "Offset of field: glk_view::stride_rhs",
    ][::core::mem::offset_of!(glk_view, stride_rhs) - 176usize];
    [
        "Offset of field: glk_view::stride_lane",
    ][::core::mem::offset_of!(glk_view, stride_lane) - 184usize];
    [
        "Offset of field: glk_view::stride_reim",
    ][::core::mem::offset_of!(glk_view, stride_reim) - 192usize];
    [
        "Offset of field: glk_view::simd",
    ][::core::mem::offset_of!(glk_view, simd) - 200usize];
    [
        "Offset of field: glk_view::halo",
    ][::core::mem::offset_of!(glk_view, halo) - 224usize];
    [
        "Offset of field: glk_view::site_table",
    ][::core::mem::offset_of!(glk_view, site_table) - 248usize];
    [
        "Offset of field: glk_view::generation",
    ][::core::mem::offset_of!(glk_view, generation) - 256usize];
};
impl Default for glk_view {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct glk_rng {
    pub size: u32,
    pub algorithm: u32,
    pub key: [u8; 32usize],
    pub epoch: u64,
    pub call: u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_rng"][::core::mem::size_of::<glk_rng>() - 56usize];
    ["Alignment of glk_rng"][::core::mem::align_of::<glk_rng>() - 8usize];
    ["Offset of field: glk_rng::size"][::core::mem::offset_of!(glk_rng, size) - 0usize];
    [
        "Offset of field: glk_rng::algorithm",
    ][::core::mem::offset_of!(glk_rng, algorithm) - 4usize];
    ["Offset of field: glk_rng::key"][::core::mem::offset_of!(glk_rng, key) - 8usize];
    [
        "Offset of field: glk_rng::epoch",
    ][::core::mem::offset_of!(glk_rng, epoch) - 40usize];
    ["Offset of field: glk_rng::call"][::core::mem::offset_of!(glk_rng, call) - 48usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct glk_msg {
    pub dim: i32,
    pub dir: i32,
    pub send: *const ::core::ffi::c_void,
    pub recv: *mut ::core::ffi::c_void,
    pub bytes: u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_msg"][::core::mem::size_of::<glk_msg>() - 32usize];
    ["Alignment of glk_msg"][::core::mem::align_of::<glk_msg>() - 8usize];
    ["Offset of field: glk_msg::dim"][::core::mem::offset_of!(glk_msg, dim) - 0usize];
    ["Offset of field: glk_msg::dir"][::core::mem::offset_of!(glk_msg, dir) - 4usize];
    ["Offset of field: glk_msg::send"][::core::mem::offset_of!(glk_msg, send) - 8usize];
    ["Offset of field: glk_msg::recv"][::core::mem::offset_of!(glk_msg, recv) - 16usize];
    [
        "Offset of field: glk_msg::bytes",
    ][::core::mem::offset_of!(glk_msg, bytes) - 24usize];
};
impl Default for glk_msg {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct glk_host_comm {
    pub size: u32,
    pub flags: u32,
    pub exchange: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *const glk_host,
            arg2: *const glk_exec,
            arg3: *const glk_msg,
            n: u64,
            ticket: *mut u64,
        ) -> glk_status,
    >,
    pub wait: ::core::option::Option<
        unsafe extern "C" fn(arg1: *const glk_host, ticket: u64) -> glk_status,
    >,
    pub sum_f64: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *const glk_host,
            inout: *mut f64,
            n: u64,
        ) -> glk_status,
    >,
    pub max_i32: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *const glk_host,
            inout: *mut i32,
            n: u64,
        ) -> glk_status,
    >,
    pub bcast: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *const glk_host,
            buf: *mut ::core::ffi::c_void,
            bytes: u64,
            root: i32,
        ) -> glk_status,
    >,
    pub barrier: ::core::option::Option<
        unsafe extern "C" fn(arg1: *const glk_host) -> glk_status,
    >,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_host_comm"][::core::mem::size_of::<glk_host_comm>() - 56usize];
    ["Alignment of glk_host_comm"][::core::mem::align_of::<glk_host_comm>() - 8usize];
    [
        "Offset of field: glk_host_comm::size",
    ][::core::mem::offset_of!(glk_host_comm, size) - 0usize];
    [
        "Offset of field: glk_host_comm::flags",
    ][::core::mem::offset_of!(glk_host_comm, flags) - 4usize];
    [
        "Offset of field: glk_host_comm::exchange",
    ][::core::mem::offset_of!(glk_host_comm, exchange) - 8usize];
    [
        "Offset of field: glk_host_comm::wait",
    ][::core::mem::offset_of!(glk_host_comm, wait) - 16usize];
    [
        "Offset of field: glk_host_comm::sum_f64",
    ][::core::mem::offset_of!(glk_host_comm, sum_f64) - 24usize];
    [
        "Offset of field: glk_host_comm::max_i32",
    ][::core::mem::offset_of!(glk_host_comm, max_i32) - 32usize];
    [
        "Offset of field: glk_host_comm::bcast",
    ][::core::mem::offset_of!(glk_host_comm, bcast) - 40usize];
    [
        "Offset of field: glk_host_comm::barrier",
    ][::core::mem::offset_of!(glk_host_comm, barrier) - 48usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct glk_host_mem {
    pub size: u32,
    pub flags: u32,
    pub alloc: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *const glk_host,
            arg2: *const glk_exec,
            bytes: u64,
            align: u64,
            out: *mut *mut ::core::ffi::c_void,
        ) -> glk_status,
    >,
    pub free: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *const glk_host,
            arg2: *const glk_exec,
            ptr: *mut ::core::ffi::c_void,
        ),
    >,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_host_mem"][::core::mem::size_of::<glk_host_mem>() - 24usize];
    ["Alignment of glk_host_mem"][::core::mem::align_of::<glk_host_mem>() - 8usize];
    [
        "Offset of field: glk_host_mem::size",
    ][::core::mem::offset_of!(glk_host_mem, size) - 0usize];
    [
        "Offset of field: glk_host_mem::flags",
    ][::core::mem::offset_of!(glk_host_mem, flags) - 4usize];
    [
        "Offset of field: glk_host_mem::alloc",
    ][::core::mem::offset_of!(glk_host_mem, alloc) - 8usize];
    [
        "Offset of field: glk_host_mem::free",
    ][::core::mem::offset_of!(glk_host_mem, free) - 16usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct glk_host_parallel {
    pub size: u32,
    pub nthreads: u32,
    pub run: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *const glk_host,
            body: ::core::option::Option<
                unsafe extern "C" fn(
                    ctx: *mut ::core::ffi::c_void,
                    thread: u32,
                    nthreads: u32,
                ),
            >,
            ctx: *mut ::core::ffi::c_void,
        ) -> glk_status,
    >,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_host_parallel"][::core::mem::size_of::<glk_host_parallel>() - 16usize];
    [
        "Alignment of glk_host_parallel",
    ][::core::mem::align_of::<glk_host_parallel>() - 8usize];
    [
        "Offset of field: glk_host_parallel::size",
    ][::core::mem::offset_of!(glk_host_parallel, size) - 0usize];
    [
        "Offset of field: glk_host_parallel::nthreads",
    ][::core::mem::offset_of!(glk_host_parallel, nthreads) - 4usize];
    [
        "Offset of field: glk_host_parallel::run",
    ][::core::mem::offset_of!(glk_host_parallel, run) - 8usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct glk_host {
    pub size: u32,
    pub abi_minor: u32,
    pub ctx: *mut ::core::ffi::c_void,
    pub name: glk_str,
    pub version: glk_str,
    pub log: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *const glk_host,
            level: i32,
            target: *const glk_str,
            msg: *const glk_str,
        ),
    >,
    pub progress: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *const glk_host,
            phase: *const glk_str,
            done: u64,
            total: u64,
        ) -> i32,
    >,
    pub threads: ::core::option::Option<
        unsafe extern "C" fn(arg1: *const glk_host) -> u32,
    >,
    pub get: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *const glk_host,
            service_id: *const ::core::ffi::c_char,
        ) -> *const ::core::ffi::c_void,
    >,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_host"][::core::mem::size_of::<glk_host>() - 80usize];
    ["Alignment of glk_host"][::core::mem::align_of::<glk_host>() - 8usize];
    [
        "Offset of field: glk_host::size",
    ][::core::mem::offset_of!(glk_host, size) - 0usize];
    [
        "Offset of field: glk_host::abi_minor",
    ][::core::mem::offset_of!(glk_host, abi_minor) - 4usize];
    ["Offset of field: glk_host::ctx"][::core::mem::offset_of!(glk_host, ctx) - 8usize];
    [
        "Offset of field: glk_host::name",
    ][::core::mem::offset_of!(glk_host, name) - 16usize];
    [
        "Offset of field: glk_host::version",
    ][::core::mem::offset_of!(glk_host, version) - 32usize];
    ["Offset of field: glk_host::log"][::core::mem::offset_of!(glk_host, log) - 48usize];
    [
        "Offset of field: glk_host::progress",
    ][::core::mem::offset_of!(glk_host, progress) - 56usize];
    [
        "Offset of field: glk_host::threads",
    ][::core::mem::offset_of!(glk_host, threads) - 64usize];
    ["Offset of field: glk_host::get"][::core::mem::offset_of!(glk_host, get) - 72usize];
};
impl Default for glk_host {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct glk_component {
    pub size: u32,
    pub pad0: u32,
    pub id: glk_str,
    pub interface_id: glk_str,
    pub version: glk_str,
    pub summary: glk_str,
    pub citation: glk_str,
    pub license: glk_str,
    pub config_schema: glk_str,
    pub caps: u64,
    pub devices: u64,
    pub scalars: u64,
    pub site_orders: u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_component"][::core::mem::size_of::<glk_component>() - 152usize];
    ["Alignment of glk_component"][::core::mem::align_of::<glk_component>() - 8usize];
    [
        "Offset of field: glk_component::size",
    ][::core::mem::offset_of!(glk_component, size) - 0usize];
    [
        "Offset of field: glk_component::pad0",
    ][::core::mem::offset_of!(glk_component, pad0) - 4usize];
    [
        "Offset of field: glk_component::id",
    ][::core::mem::offset_of!(glk_component, id) - 8usize];
    [
        "Offset of field: glk_component::interface_id",
    ][::core::mem::offset_of!(glk_component, interface_id) - 24usize];
    [
        "Offset of field: glk_component::version",
    ][::core::mem::offset_of!(glk_component, version) - 40usize];
    [
        "Offset of field: glk_component::summary",
    ][::core::mem::offset_of!(glk_component, summary) - 56usize];
    [
        "Offset of field: glk_component::citation",
    ][::core::mem::offset_of!(glk_component, citation) - 72usize];
    [
        "Offset of field: glk_component::license",
    ][::core::mem::offset_of!(glk_component, license) - 88usize];
    [
        "Offset of field: glk_component::config_schema",
    ][::core::mem::offset_of!(glk_component, config_schema) - 104usize];
    [
        "Offset of field: glk_component::caps",
    ][::core::mem::offset_of!(glk_component, caps) - 120usize];
    [
        "Offset of field: glk_component::devices",
    ][::core::mem::offset_of!(glk_component, devices) - 128usize];
    [
        "Offset of field: glk_component::scalars",
    ][::core::mem::offset_of!(glk_component, scalars) - 136usize];
    [
        "Offset of field: glk_component::site_orders",
    ][::core::mem::offset_of!(glk_component, site_orders) - 144usize];
};
impl Default for glk_component {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct glk_create {
    pub size: u32,
    pub flags: u32,
    pub host: *const glk_host,
    pub lattice: *const glk_lattice,
    pub exec: *const glk_exec,
    pub config_format: i32,
    pub pad0: i32,
    pub config: glk_str,
    pub base_dir: glk_str,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_create"][::core::mem::size_of::<glk_create>() - 72usize];
    ["Alignment of glk_create"][::core::mem::align_of::<glk_create>() - 8usize];
    [
        "Offset of field: glk_create::size",
    ][::core::mem::offset_of!(glk_create, size) - 0usize];
    [
        "Offset of field: glk_create::flags",
    ][::core::mem::offset_of!(glk_create, flags) - 4usize];
    [
        "Offset of field: glk_create::host",
    ][::core::mem::offset_of!(glk_create, host) - 8usize];
    [
        "Offset of field: glk_create::lattice",
    ][::core::mem::offset_of!(glk_create, lattice) - 16usize];
    [
        "Offset of field: glk_create::exec",
    ][::core::mem::offset_of!(glk_create, exec) - 24usize];
    [
        "Offset of field: glk_create::config_format",
    ][::core::mem::offset_of!(glk_create, config_format) - 32usize];
    [
        "Offset of field: glk_create::pad0",
    ][::core::mem::offset_of!(glk_create, pad0) - 36usize];
    [
        "Offset of field: glk_create::config",
    ][::core::mem::offset_of!(glk_create, config) - 40usize];
    [
        "Offset of field: glk_create::base_dir",
    ][::core::mem::offset_of!(glk_create, base_dir) - 56usize];
};
impl Default for glk_create {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug)]
pub struct glk_object {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct glk_query {
    pub size: u32,
    pub result: u32,
    pub scratch_bytes: u64,
    pub est_seconds: f64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_query"][::core::mem::size_of::<glk_query>() - 24usize];
    ["Alignment of glk_query"][::core::mem::align_of::<glk_query>() - 8usize];
    [
        "Offset of field: glk_query::size",
    ][::core::mem::offset_of!(glk_query, size) - 0usize];
    [
        "Offset of field: glk_query::result",
    ][::core::mem::offset_of!(glk_query, result) - 4usize];
    [
        "Offset of field: glk_query::scratch_bytes",
    ][::core::mem::offset_of!(glk_query, scratch_bytes) - 8usize];
    [
        "Offset of field: glk_query::est_seconds",
    ][::core::mem::offset_of!(glk_query, est_seconds) - 16usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct glk_stats {
    pub size: u32,
    pub iters: u32,
    pub seconds: f64,
    pub flops: f64,
    pub residual: f64,
    pub bytes_comm: f64,
    pub bytes_copied: u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_stats"][::core::mem::size_of::<glk_stats>() - 48usize];
    ["Alignment of glk_stats"][::core::mem::align_of::<glk_stats>() - 8usize];
    [
        "Offset of field: glk_stats::size",
    ][::core::mem::offset_of!(glk_stats, size) - 0usize];
    [
        "Offset of field: glk_stats::iters",
    ][::core::mem::offset_of!(glk_stats, iters) - 4usize];
    [
        "Offset of field: glk_stats::seconds",
    ][::core::mem::offset_of!(glk_stats, seconds) - 8usize];
    [
        "Offset of field: glk_stats::flops",
    ][::core::mem::offset_of!(glk_stats, flops) - 16usize];
    [
        "Offset of field: glk_stats::residual",
    ][::core::mem::offset_of!(glk_stats, residual) - 24usize];
    [
        "Offset of field: glk_stats::bytes_comm",
    ][::core::mem::offset_of!(glk_stats, bytes_comm) - 32usize];
    [
        "Offset of field: glk_stats::bytes_copied",
    ][::core::mem::offset_of!(glk_stats, bytes_copied) - 40usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct glk_sink {
    pub ctx: *mut ::core::ffi::c_void,
    pub write: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            p: *const ::core::ffi::c_void,
            n: u64,
        ) -> i64,
    >,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_sink"][::core::mem::size_of::<glk_sink>() - 16usize];
    ["Alignment of glk_sink"][::core::mem::align_of::<glk_sink>() - 8usize];
    ["Offset of field: glk_sink::ctx"][::core::mem::offset_of!(glk_sink, ctx) - 0usize];
    [
        "Offset of field: glk_sink::write",
    ][::core::mem::offset_of!(glk_sink, write) - 8usize];
};
impl Default for glk_sink {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct glk_source {
    pub ctx: *mut ::core::ffi::c_void,
    pub read: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *mut ::core::ffi::c_void,
            p: *mut ::core::ffi::c_void,
            n: u64,
        ) -> i64,
    >,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_source"][::core::mem::size_of::<glk_source>() - 16usize];
    ["Alignment of glk_source"][::core::mem::align_of::<glk_source>() - 8usize];
    [
        "Offset of field: glk_source::ctx",
    ][::core::mem::offset_of!(glk_source, ctx) - 0usize];
    [
        "Offset of field: glk_source::read",
    ][::core::mem::offset_of!(glk_source, read) - 8usize];
};
impl Default for glk_source {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct glk_plugin {
    pub size: u32,
    pub abi_major: u32,
    pub abi_minor: u32,
    pub ncomponents: u32,
    pub id: glk_str,
    pub version: glk_str,
    pub build_info: glk_str,
    pub components: *const *const glk_component,
    pub init: ::core::option::Option<
        unsafe extern "C" fn(arg1: *const glk_host, arg2: *mut glk_error) -> glk_status,
    >,
    pub fini: ::core::option::Option<unsafe extern "C" fn()>,
    pub create: ::core::option::Option<
        unsafe extern "C" fn(
            component_id: *const glk_str,
            arg1: *const glk_create,
            arg2: *mut *mut glk_object,
            arg3: *mut glk_error,
        ) -> glk_status,
    >,
    pub destroy: ::core::option::Option<unsafe extern "C" fn(arg1: *mut glk_object)>,
    pub get: ::core::option::Option<
        unsafe extern "C" fn(
            interface_id: *const ::core::ffi::c_char,
        ) -> *const ::core::ffi::c_void,
    >,
    pub query: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_view,
            arg3: *mut glk_query,
            arg4: *mut glk_error,
        ) -> glk_status,
    >,
    pub stats: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *mut glk_stats,
            arg3: *mut glk_error,
        ) -> glk_status,
    >,
    pub save: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_sink,
            arg3: *mut glk_error,
        ) -> glk_status,
    >,
    pub load: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_source,
            arg3: *mut glk_error,
        ) -> glk_status,
    >,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_plugin"][::core::mem::size_of::<glk_plugin>() - 144usize];
    ["Alignment of glk_plugin"][::core::mem::align_of::<glk_plugin>() - 8usize];
    [
        "Offset of field: glk_plugin::size",
    ][::core::mem::offset_of!(glk_plugin, size) - 0usize];
    [
        "Offset of field: glk_plugin::abi_major",
    ][::core::mem::offset_of!(glk_plugin, abi_major) - 4usize];
    [
        "Offset of field: glk_plugin::abi_minor",
    ][::core::mem::offset_of!(glk_plugin, abi_minor) - 8usize];
    [
        "Offset of field: glk_plugin::ncomponents",
    ][::core::mem::offset_of!(glk_plugin, ncomponents) - 12usize];
    [
        "Offset of field: glk_plugin::id",
    ][::core::mem::offset_of!(glk_plugin, id) - 16usize];
    [
        "Offset of field: glk_plugin::version",
    ][::core::mem::offset_of!(glk_plugin, version) - 32usize];
    [
        "Offset of field: glk_plugin::build_info",
    ][::core::mem::offset_of!(glk_plugin, build_info) - 48usize];
    [
        "Offset of field: glk_plugin::components",
    ][::core::mem::offset_of!(glk_plugin, components) - 64usize];
    [
        "Offset of field: glk_plugin::init",
    ][::core::mem::offset_of!(glk_plugin, init) - 72usize];
    [
        "Offset of field: glk_plugin::fini",
    ][::core::mem::offset_of!(glk_plugin, fini) - 80usize];
    [
        "Offset of field: glk_plugin::create",
    ][::core::mem::offset_of!(glk_plugin, create) - 88usize];
    [
        "Offset of field: glk_plugin::destroy",
    ][::core::mem::offset_of!(glk_plugin, destroy) - 96usize];
    [
        "Offset of field: glk_plugin::get",
    ][::core::mem::offset_of!(glk_plugin, get) - 104usize];
    [
        "Offset of field: glk_plugin::query",
    ][::core::mem::offset_of!(glk_plugin, query) - 112usize];
    [
        "Offset of field: glk_plugin::stats",
    ][::core::mem::offset_of!(glk_plugin, stats) - 120usize];
    [
        "Offset of field: glk_plugin::save",
    ][::core::mem::offset_of!(glk_plugin, save) - 128usize];
    [
        "Offset of field: glk_plugin::load",
    ][::core::mem::offset_of!(glk_plugin, load) - 136usize];
};
impl Default for glk_plugin {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub type glk_plugin_entry_fn = ::core::option::Option<
    unsafe extern "C" fn(host_abi_minor: u32) -> *const glk_plugin,
>;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct glk_flow {
    pub size: u32,
    pub pad0: u32,
    pub sample: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_exec,
            arg3: *const glk_rng,
            U: *mut glk_view,
            log_q: *mut f64,
            arg4: *mut glk_error,
        ) -> glk_status,
    >,
    pub forward: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_exec,
            V: *const glk_view,
            U: *mut glk_view,
            logdet: *mut f64,
            arg3: *mut glk_error,
        ) -> glk_status,
    >,
    pub inverse: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_exec,
            U: *const glk_view,
            V: *mut glk_view,
            logdet: *mut f64,
            arg3: *mut glk_error,
        ) -> glk_status,
    >,
    pub log_density: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_exec,
            U: *const glk_view,
            log_q: *mut f64,
            arg3: *mut glk_error,
        ) -> glk_status,
    >,
    pub pullback: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_exec,
            V: *const glk_view,
            F_U: *const glk_view,
            F_V: *mut glk_view,
            arg3: *mut glk_error,
        ) -> glk_status,
    >,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_flow"][::core::mem::size_of::<glk_flow>() - 48usize];
    ["Alignment of glk_flow"][::core::mem::align_of::<glk_flow>() - 8usize];
    [
        "Offset of field: glk_flow::size",
    ][::core::mem::offset_of!(glk_flow, size) - 0usize];
    [
        "Offset of field: glk_flow::pad0",
    ][::core::mem::offset_of!(glk_flow, pad0) - 4usize];
    [
        "Offset of field: glk_flow::sample",
    ][::core::mem::offset_of!(glk_flow, sample) - 8usize];
    [
        "Offset of field: glk_flow::forward",
    ][::core::mem::offset_of!(glk_flow, forward) - 16usize];
    [
        "Offset of field: glk_flow::inverse",
    ][::core::mem::offset_of!(glk_flow, inverse) - 24usize];
    [
        "Offset of field: glk_flow::log_density",
    ][::core::mem::offset_of!(glk_flow, log_density) - 32usize];
    [
        "Offset of field: glk_flow::pullback",
    ][::core::mem::offset_of!(glk_flow, pullback) - 40usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct glk_dirac {
    pub size: u32,
    pub op: i32,
    pub mass: f64,
    pub csw_r: f64,
    pub csw_t: f64,
    pub xi0: f64,
    pub nu: f64,
    pub b5: f64,
    pub c5: f64,
    pub m5: f64,
    pub precond_form: i32,
    pub dagger: i32,
    pub parity: i32,
    pub normalisation: i32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_dirac"][::core::mem::size_of::<glk_dirac>() - 88usize];
    ["Alignment of glk_dirac"][::core::mem::align_of::<glk_dirac>() - 8usize];
    [
        "Offset of field: glk_dirac::size",
    ][::core::mem::offset_of!(glk_dirac, size) - 0usize];
    ["Offset of field: glk_dirac::op"][::core::mem::offset_of!(glk_dirac, op) - 4usize];
    [
        "Offset of field: glk_dirac::mass",
    ][::core::mem::offset_of!(glk_dirac, mass) - 8usize];
    [
        "Offset of field: glk_dirac::csw_r",
    ][::core::mem::offset_of!(glk_dirac, csw_r) - 16usize];
    [
        "Offset of field: glk_dirac::csw_t",
    ][::core::mem::offset_of!(glk_dirac, csw_t) - 24usize];
    [
        "Offset of field: glk_dirac::xi0",
    ][::core::mem::offset_of!(glk_dirac, xi0) - 32usize];
    ["Offset of field: glk_dirac::nu"][::core::mem::offset_of!(glk_dirac, nu) - 40usize];
    ["Offset of field: glk_dirac::b5"][::core::mem::offset_of!(glk_dirac, b5) - 48usize];
    ["Offset of field: glk_dirac::c5"][::core::mem::offset_of!(glk_dirac, c5) - 56usize];
    ["Offset of field: glk_dirac::m5"][::core::mem::offset_of!(glk_dirac, m5) - 64usize];
    [
        "Offset of field: glk_dirac::precond_form",
    ][::core::mem::offset_of!(glk_dirac, precond_form) - 72usize];
    [
        "Offset of field: glk_dirac::dagger",
    ][::core::mem::offset_of!(glk_dirac, dagger) - 76usize];
    [
        "Offset of field: glk_dirac::parity",
    ][::core::mem::offset_of!(glk_dirac, parity) - 80usize];
    [
        "Offset of field: glk_dirac::normalisation",
    ][::core::mem::offset_of!(glk_dirac, normalisation) - 84usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct glk_force {
    pub size: u32,
    pub naux_required: u32,
    pub refresh: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_exec,
            U: *const glk_view,
            arg3: *const glk_rng,
            arg4: *mut glk_error,
        ) -> glk_status,
    >,
    pub action: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_exec,
            U: *const glk_view,
            aux: *const *const glk_view,
            dirac: *const *const glk_dirac,
            naux: u64,
            S: *mut f64,
            arg3: *mut glk_error,
        ) -> glk_status,
    >,
    pub force: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_exec,
            U: *const glk_view,
            aux: *const *const glk_view,
            dirac: *const *const glk_dirac,
            naux: u64,
            scale: f64,
            F: *mut glk_view,
            arg3: *mut glk_error,
        ) -> glk_status,
    >,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_force"][::core::mem::size_of::<glk_force>() - 32usize];
    ["Alignment of glk_force"][::core::mem::align_of::<glk_force>() - 8usize];
    [
        "Offset of field: glk_force::size",
    ][::core::mem::offset_of!(glk_force, size) - 0usize];
    [
        "Offset of field: glk_force::naux_required",
    ][::core::mem::offset_of!(glk_force, naux_required) - 4usize];
    [
        "Offset of field: glk_force::refresh",
    ][::core::mem::offset_of!(glk_force, refresh) - 8usize];
    [
        "Offset of field: glk_force::action",
    ][::core::mem::offset_of!(glk_force, action) - 16usize];
    [
        "Offset of field: glk_force::force",
    ][::core::mem::offset_of!(glk_force, force) - 24usize];
};
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct glk_proposal {
    pub size: u32,
    pub pad0: u32,
    pub propose: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_exec,
            arg3: *const glk_rng,
            U: *const glk_view,
            aux: *const *const glk_view,
            naux: u64,
            U_new: *mut glk_view,
            aux_new: *const *mut glk_view,
            log_weight: *mut f64,
            arg4: *mut glk_error,
        ) -> glk_status,
    >,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_proposal"][::core::mem::size_of::<glk_proposal>() - 16usize];
    ["Alignment of glk_proposal"][::core::mem::align_of::<glk_proposal>() - 8usize];
    [
        "Offset of field: glk_proposal::size",
    ][::core::mem::offset_of!(glk_proposal, size) - 0usize];
    [
        "Offset of field: glk_proposal::pad0",
    ][::core::mem::offset_of!(glk_proposal, pad0) - 4usize];
    [
        "Offset of field: glk_proposal::propose",
    ][::core::mem::offset_of!(glk_proposal, propose) - 8usize];
};
pub type glk_apply_fn = ::core::option::Option<
    unsafe extern "C" fn(
        ctx: *mut ::core::ffi::c_void,
        arg1: *const glk_exec,
        in_: *const glk_view,
        out: *mut glk_view,
        dagger: i32,
    ) -> glk_status,
>;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct glk_precond {
    pub size: u32,
    pub pad0: u32,
    pub setup: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_exec,
            U: *const glk_view,
            arg3: *const glk_dirac,
            mode: i32,
            host_M: glk_apply_fn,
            host_M_ctx: *mut ::core::ffi::c_void,
            arg4: *mut glk_error,
        ) -> glk_status,
    >,
    pub apply: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_exec,
            r: *const glk_view,
            z: *mut glk_view,
            dagger: i32,
            arg3: *mut glk_error,
        ) -> glk_status,
    >,
    pub cost: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            flops: *mut f64,
            bytes: *mut f64,
            dirac_equivalents: *mut f64,
            arg2: *mut glk_error,
        ) -> glk_status,
    >,
    pub self_test: ::core::option::Option<
        unsafe extern "C" fn(
            arg1: *mut glk_object,
            arg2: *const glk_exec,
            report: *const glk_sink,
            arg3: *mut glk_error,
        ) -> glk_status,
    >,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of glk_precond"][::core::mem::size_of::<glk_precond>() - 40usize];
    ["Alignment of glk_precond"][::core::mem::align_of::<glk_precond>() - 8usize];
    [
        "Offset of field: glk_precond::size",
    ][::core::mem::offset_of!(glk_precond, size) - 0usize];
    [
        "Offset of field: glk_precond::pad0",
    ][::core::mem::offset_of!(glk_precond, pad0) - 4usize];
    [
        "Offset of field: glk_precond::setup",
    ][::core::mem::offset_of!(glk_precond, setup) - 8usize];
    [
        "Offset of field: glk_precond::apply",
    ][::core::mem::offset_of!(glk_precond, apply) - 16usize];
    [
        "Offset of field: glk_precond::cost",
    ][::core::mem::offset_of!(glk_precond, cost) - 24usize];
    [
        "Offset of field: glk_precond::self_test",
    ][::core::mem::offset_of!(glk_precond, self_test) - 32usize];
};
