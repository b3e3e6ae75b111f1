/* What must not be written, what is written for Grid, and files whose checksum is to be ignored: prints what is wrong. */
#define _POSIX_C_SOURCE 200809L
#define SHORTEST 30
#include "program/answers.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SITES = 256, NUMBERS = SITES * 72 };
static gaugelink_lattice *lattice = NULL;
static double links[NUMBERS];
static glk_view view;

static char bytes[1 << 20];
static size_t contents(const char *path) {
  FILE *file = fopen(path, "rb");
  size_t count = file ? fread(bytes, 1, sizeof bytes, file) : 0;
  if (file) fclose(file);
  return count;
}
static void put(const char *path, size_t count) {
  FILE *file = fopen(path, "wb");
  check(file && fwrite(bytes, 1, count, file) == count, path);
  if (file) fclose(file);
}

/* The view and the field made of it are refused in this precision; the old file stays. */
static void not_written(const char *path, uint32_t precision, const char *words, const char *what) {
  SIZED(gaugelink_write_options, options);
  gaugelink_gauge *u = NULL;
  options.precision = precision;
  strcpy(bytes, "old");
  put(path, 3);
  refused(gaugelink_file_write_view(lattice, &view, path, &options, &error), GLK_IO, words, what);
  fine(gaugelink_gauge_new(lattice, 3, &u, &error), "gauge");
  fine(gaugelink_gauge_read_view(u, &view, &error), "read_view");
  refused(gaugelink_file_write(u, path, &options, &error), GLK_IO, words, what);
  gaugelink_gauge_free(u);
  check(contents(path) == 3 && !memcmp(bytes, "old", 3), what);
}

int main(int argc, char **argv) {
  const int64_t four[4] = { 4, 4, 4, 4 };
  const char *path = argv[1];
  char other[4096];
  if (argc != 2) return 1;
  snprintf(other, sizeof other, "%s.other", path);
  fine(gaugelink_context_new(NULL, &context, &error), "context");
  fine(gaugelink_lattice_new(context, 4, four, &lattice, &error), "lattice");
  memset(&view, 0, sizeof view);
  view.size = sizeof view;
  fine(gaugelink_view_dense(lattice, GLK_GAUGE, 3, GLK_F64, links, &view, &error), "view");

  not_written(path, 64, "every link is zero", "zeros");
  for (int i = 0; i < NUMBERS; i++) links[i] = i % 18 % 8 == 0;
  links[5 * 72 + 2 * 18] = NAN;
  not_written(path, 64, "direction 2 of site 5 is not finite", "NaN");
  links[5 * 72 + 2 * 18] = 1e200;
  not_written(path, 32, "direction 2 of site 5 is not finite in 32 bit", "1e200 as f32");
  links[5 * 72 + 2 * 18] = 1;

  /* A pipe stays a pipe, a link a link. */
  struct stat found;
  check(!mkfifo(other, 0600), "mkfifo");
  refused(gaugelink_file_write_view(lattice, &view, other, NULL, &error), GLK_IO, "no regular file", "pipe");
  check(!lstat(other, &found) && S_ISFIFO(found.st_mode), "the pipe is none any more");
  remove(other);

  /* For Grid, with a name. */
  SIZED(gaugelink_write_options, options);
  options.format = "grid";
  fine(gaugelink_file_write_view(lattice, &view, path, &options, &error), "grid");
  size_t count = contents(path), norm = 0;
  for (size_t i = 0; i + 20 < count; i++) norm += !memcmp(bytes + i, "<norm2>3072</norm2>", 19);
  check(norm == 2, "no norm for Grid");
  SIZED(gaugelink_file_info, info);
  gaugelink_file *file = NULL;
  fine(gaugelink_file_open(context, path, NULL, &file, &error), "open");
  fine(gaugelink_file_get_info(file, &info, &error), "info");
  check(!strcmp(info.format, "ildg") && info.plaquette == 1 && info.link_trace == 1, "what is stated for Grid");
  check(info.lfn && !strncmp(info.lfn, "lfn://gaugelink/", 16), "no name was made");
  check(info.warnings == 0, "a warning on our own file");
  gaugelink_file_free(file);
  options.lfn = "lfn://a\nb";
  refused(gaugelink_file_write_view(lattice, &view, path, &options, &error), GLK_IO, "control characters", "name");

  /* A wrong checksum can be ignored, and is still told. */
  fine(gaugelink_file_write_view(lattice, &view, path, NULL, &error), "write");
  count = contents(path);
  for (size_t i = 144; i + 8 < count; i++)
    if (!memcmp(bytes + i - 144 + 16, "ildg-binary-data", 16)) {
      bytes[i + 7] ^= 1; /* the last digit of a mantissa */
      break;
    }
  put(path, count);
  SIZED(gaugelink_open_options, open);
  for (uint32_t ignore = 0; ignore < 2; ignore++) {
    SIZED(gaugelink_file_check, verified);
    gaugelink_gauge *u = NULL;
    static double back[NUMBERS];
    glk_view to;
    memset(&to, 0, sizeof to);
    to.size = sizeof to;
    open.ignore_checksum = ignore;
    fine(gaugelink_file_open(context, path, &open, &file, &error), "open");
    fine(gaugelink_gauge_new(lattice, 3, &u, &error), "gauge");
    fine(gaugelink_view_dense(lattice, GLK_GAUGE, 3, GLK_F64, back, &to, &error), "view");
    glk_status whole = gaugelink_file_read(file, u, &error);
    if (ignore) fine(whole, "read");
    else refused(whole, GLK_IO, "ignore_checksum", "read");
    glk_status box = gaugelink_file_read_view(file, lattice, NULL, &to, NULL, &error);
    if (ignore) fine(box, "read_view");
    else refused(box, GLK_IO, "ignore_checksum", "read_view");
    check(back[0] > 1 && back[0] < 1.0000001 && back[8] == 1, "other links");
    fine(gaugelink_file_verify(file, &verified, &error), "verify");
    check(verified.checksum == GAUGELINK_CHECKSUM_BAD, "the checksum is not told");
    gaugelink_gauge_free(u);
    gaugelink_file_free(file);
  }
  /* A host compiled before these options: its size says so. */
  open.size = 48;
  open.ignore_checksum = 7;
  fine(gaugelink_file_open(context, path, &open, &file, &error), "open as before");
  gaugelink_file_free(file);
  open.size = sizeof open;
  refused(gaugelink_file_open(context, path, &open, &file, &error), GLK_INVALID_ARG, "0 and 1 are possible", "seven");
  open.ignore_checksum = 0;
  open.payload = 1;
  refused(gaugelink_file_open(context, path, &open, &file, &error), GLK_IO, "the file holds 1", "second field");
  gaugelink_lattice_free(lattice);
  gaugelink_context_free(context);
  return 0;
}
