/* Runs a kernel without a device: every thread of a block is a fiber with a stack of its own, and a barrier goes on to the
 * next one. The order of the fibers is the launch's choice, so that a missing barrier shows. */
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define GLK_STACK (1 << 18)
#define GLK_SHARED_BYTES (1 << 16)

static struct {
  ucontext_t back, fiber[GLK_BLOCK];
  char *stacks;
  int waits[GLK_BLOCK], done[GLK_BLOCK], now;
  long long block;
  void **arguments;
  alignas(64) char shared[GLK_SHARED_BYTES];
} glk_host;

static void glk_host_call(void **p);

extern "C" long long glk_host_thread() { return glk_host.block * GLK_BLOCK + glk_host.now; }
extern "C" void *glk_host_shared(unsigned long long bytes) { return bytes <= GLK_SHARED_BYTES ? glk_host.shared : 0; }
extern "C" void glk_host_barrier() {
  glk_host.waits[glk_host.now] = 1;
  swapcontext(&glk_host.fiber[glk_host.now], &glk_host.back);
}
static void glk_host_enter() {
  glk_host_call(glk_host.arguments);
  glk_host.done[glk_host.now] = 1;
}

/* 0: done; 1: no memory; 2: some threads of a block ended where others wait at a barrier. order[k] is the k-th fiber. */
extern "C" int glk_host_launch(long long threads, const int *order, void **arguments) {
  glk_host.arguments = arguments;
  if (!(glk_host.stacks = (char *)malloc((size_t)GLK_STACK * GLK_BLOCK))) return 1;
  int status = 0;
  for (glk_host.block = 0; status == 0 && glk_host.block * GLK_BLOCK < threads; glk_host.block++) {
    /* Numbers that nobody wrote are no numbers. */
    memset(glk_host.shared, 0xff, sizeof glk_host.shared);
    for (int i = 0; i < GLK_BLOCK; i++) {
      ucontext_t *fiber = &glk_host.fiber[i];
      getcontext(fiber);
      fiber->uc_stack.ss_sp = glk_host.stacks + (size_t)GLK_STACK * i;
      fiber->uc_stack.ss_size = GLK_STACK;
      fiber->uc_link = &glk_host.back;
      makecontext(fiber, glk_host_enter, 0);
      glk_host.waits[i] = glk_host.done[i] = 0;
    }
    for (int waiting = 1; waiting && status == 0;) {
      int ended = waiting = 0;
      for (int k = 0; k < GLK_BLOCK; k++) {
        glk_host.now = order[k];
        if (glk_host.done[glk_host.now]) continue;
        glk_host.waits[glk_host.now] = 0;
        swapcontext(&glk_host.back, &glk_host.fiber[glk_host.now]);
        if (glk_host.waits[glk_host.now]) waiting++; else ended++;
      }
      if (waiting && ended) status = 2;
    }
  }
  free(glk_host.stacks);
  return status;
}
