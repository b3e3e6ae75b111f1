/* What the text of a kernel is made of, on CUDA (NVRTC), on HIP (clang, no ROCm needed) and on a host in C++17.
 *
 * One thread works on one site: GLK_THREAD counts them over the whole launch, GLK_LANE in a block of GLK_BLOCK.
 * GLK_FENCE() keeps a compiler from loading early what is needed late, which would fill the registers.
 * GLK_SHARED(type, name, count) is memory of the block, one array a kernel; GLK_BARRIER() waits for all its threads. Every operation rounds once, so products
 * and sums are never contracted: NVRTC needs --fmad=false, clang and gcc -ffp-contract=off. */
#if defined(__CUDACC_RTC__)
#define GLK_KERNEL extern "C" __global__ __launch_bounds__(GLK_BLOCK)
#define GLK_INLINE static __device__ __forceinline__
#define GLK_THREAD ((long long)blockIdx.x * GLK_BLOCK + threadIdx.x)
#define GLK_LANE ((int)threadIdx.x)
#define GLK_SHARED(type, name, count) __shared__ type name[count]
#define GLK_BARRIER() __syncthreads()
#define GLK_FMA(a, b, c) fma(a, b, c)
#define GLK_FMAF(a, b, c) fmaf(a, b, c)
#define GLK_SQRT(a) sqrt(a)
#define GLK_SQRTF(a) sqrtf(a)
#define GLK_RINT(a) rint(a)
#define GLK_RINTF(a) rintf(a)
#else
#define GLK_FMA(a, b, c) __builtin_fma(a, b, c)
#define GLK_FMAF(a, b, c) __builtin_fmaf(a, b, c)
#define GLK_SQRT(a) __builtin_sqrt(a)
#define GLK_SQRTF(a) __builtin_sqrtf(a)
#define GLK_RINT(a) __builtin_rint(a)
#define GLK_RINTF(a) __builtin_rintf(a)
#if defined(__HIP__)
#define GLK_KERNEL extern "C" __attribute__((global)) __attribute__((amdgpu_flat_work_group_size(1, GLK_BLOCK)))
#define GLK_INLINE static inline __attribute__((device, always_inline))
#define GLK_THREAD ((long long)__builtin_amdgcn_workgroup_id_x() * GLK_BLOCK + __builtin_amdgcn_workitem_id_x())
#define GLK_LANE ((int)__builtin_amdgcn_workitem_id_x())
#define GLK_SHARED(type, name, count) static __attribute__((shared)) type name[count]
#define GLK_BARRIER() (__builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup"), __builtin_amdgcn_s_barrier(), \
                       __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup"))
#else
extern "C" long long glk_host_thread();
extern "C" void *glk_host_shared(unsigned long long bytes);
extern "C" void glk_host_barrier();
#define GLK_LANE ((int)(glk_host_thread() % GLK_BLOCK))
#define GLK_SHARED(type, name, count) type *name = (type *)glk_host_shared(sizeof(type) * (count))
#define GLK_BARRIER() glk_host_barrier()
#define GLK_KERNEL extern "C"
#define GLK_INLINE static inline
#define GLK_THREAD glk_host_thread()
#endif
#endif

/* A number at a distance in bytes from where its component begins: the one address is the same for a whole launch, the
 * other for all components of a site, so that few registers hold all addresses. Fields have less than 4 GiB a component. */
#define GLK_AT(type, component, bytes) (*(type *)((char *)(component) + (bytes)))
#define GLK_FENCE() asm volatile("" ::: "memory")

/* m and e of x = m 2^e, 1 <= m < 2, and x 2^e, for normal numbers. */
union glk_f64 { double x; unsigned long long bits; };
union glk_f32 { float x; unsigned int bits; };
GLK_INLINE double glk_mantissa(double x) {
  glk_f64 u;
  u.x = x;
  u.bits = (u.bits & 0x000fffffffffffffull) | 0x3ff0000000000000ull;
  return u.x;
}
GLK_INLINE double glk_exponent(double x) {
  glk_f64 u;
  u.x = x;
  return (double)((int)(u.bits >> 52) - 1023);
}
GLK_INLINE double glk_scale(double x, double e) {
  glk_f64 u;
  u.bits = (unsigned long long)(int)(e + 1023.0) << 52;
  return x * u.x;
}
GLK_INLINE float glk_mantissa(float x) {
  glk_f32 u;
  u.x = x;
  u.bits = (u.bits & 0x007fffffu) | 0x3f800000u;
  return u.x;
}
GLK_INLINE float glk_exponent(float x) {
  glk_f32 u;
  u.x = x;
  return (float)((int)(u.bits >> 23) - 127);
}
GLK_INLINE float glk_scale(float x, float e) {
  glk_f32 u;
  u.bits = (unsigned int)(int)(e + 127.0f) << 23;
  return x * u.x;
}
