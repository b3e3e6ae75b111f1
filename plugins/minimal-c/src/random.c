/* Random numbers by address, as GLK_RNG_CHACHA20 wants them: those of a site depend on key, epoch, call, field of the
 * batch and global lex number of the site alone. */
#include <string.h>

#include "minimal.h"

static uint32_t rotated(uint32_t x, int bits) { return x << bits | x >> (32 - bits); }

static void quarter(uint32_t x[16], int a, int b, int c, int d) {
  x[a] += x[b], x[d] = rotated(x[d] ^ x[a], 16);
  x[c] += x[d], x[b] = rotated(x[b] ^ x[c], 12);
  x[a] += x[b], x[d] = rotated(x[d] ^ x[a], 8);
  x[c] += x[d], x[b] = rotated(x[b] ^ x[c], 7);
}

/* ChaCha20's block function (RFC 8439); the last four words of its input are a counter of 128 bits. */
static void chacha20(const uint32_t key[8], const uint64_t counter[2], uint32_t out[16]) {
  uint32_t in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
  memcpy(in + 4, key, 32);
  memcpy(in + 12, counter, 16);
  memcpy(out, in, sizeof in);
  for (int round = 0; round < 20; round += 2) {
    for (int i = 0; i < 4; i++) quarter(out, i, 4 + i, 8 + i, 12 + i);
    for (int i = 0; i < 4; i++) quarter(out, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
  }
  for (int i = 0; i < 16; i++) out[i] += in[i];
}

void random_block(const glk_rng *rng, uint64_t field, uint64_t site, uint32_t block, double out[BLOCK_NUMBERS]) {
  uint32_t key[8], words[16];
  memcpy(key, rng->key, sizeof key);
  /* An address has more bits than a counter: epoch and call, then the field, each give the key of the next stage. */
  chacha20(key, (const uint64_t[2]){ rng->epoch, rng->call }, words);
  chacha20(words, (const uint64_t[2]){ field, 0 }, words);
  chacha20(words, (const uint64_t[2]){ site, block }, words);
  for (int i = 0; i < BLOCK_NUMBERS; i++) {
    uint64_t bits = (uint64_t)words[2 * i] << 32 | words[2 * i + 1];
    out[i] = (2.0 * (double)(bits >> 12) + 1) / 0x1p52 - 1;
  }
}
