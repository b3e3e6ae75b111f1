/* Sums of blocks: out[block] = the sum of in[first + ...] over the block's threads, pairwise. */
GLK_KERNEL void glk_sum(const real *in, real *out, const int *near, long long sites, long long first, long long end) {
  GLK_SHARED(real, part, GLK_BLOCK);
  const long long x = first + GLK_THREAD;
  part[GLK_LANE] = x < end ? in[x] : 0;
  for (int half = GLK_BLOCK / 2; half > 0; half /= 2) {
    GLK_BARRIER();
    if (GLK_LANE < half) part[GLK_LANE] += part[GLK_LANE + half];
  }
  if (GLK_LANE == 0) out[GLK_THREAD / GLK_BLOCK] = part[0];
  (void)near;
  (void)sites;
}
