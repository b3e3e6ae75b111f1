/* Files of every format through C: "FILE name format ncolor precision plaquette checksum" for each argument, and lines of
 * what is wrong. SU(4) and files without a shape are given one. */
#include <gaugelink/gaugelink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gaugelink_context *context = NULL;

static void check(int good, const char *path, const char *what) {
  if (!good) printf("%s: %s\n", path, what);
}
/* The error of the last call: not an argument beside that call, for arguments are evaluated in any order. */
static gaugelink_error *error = NULL;
static void done(void) {
  gaugelink_error_free(error);
  error = NULL;
}
static int failed(glk_status status, const char *path, const char *call) {
  if (status) printf("%s: %s: %s\n", path, call, gaugelink_error_message(error));
  done();
  return status != 0;
}
/* A refusal with a status and a sentence that has this in it. */
static void refused(glk_status status, glk_status expected, const char *words, const char *path) {
  const char *message = gaugelink_error_message(error);
  if (status != expected || !strstr(message, words) || strlen(message) < 30)
    printf("%s: status %d, %s, instead of %s\n", path, (int)status, message, words);
  done();
}
#define SIZED(type, name) \
  type name;              \
  memset(&name, 0, sizeof name); \
  name.size = sizeof name

static char *bytes_of(const char *path, size_t *count) {
  FILE *file = fopen(path, "rb");
  char *bytes = malloc(1 << 26);
  *count = file ? fread(bytes, 1, 1 << 26, file) : 0;
  if (file) fclose(file);
  return bytes;
}

/* A box in dense order, in double or single precision; the bytes beyond it stay as they are. */
static void *box(const gaugelink_file *file, const char *path, const int64_t *extents, const int64_t *origin, uint32_t n,
                 int32_t scalar, gaugelink_file_part *part) {
  gaugelink_lattice *lattice = NULL;
  SIZED(glk_view, view);
  if (failed(gaugelink_lattice_new(context, 4, extents, &lattice, &error), path, "lattice")) return NULL;
  size_t bytes = (size_t)gaugelink_lattice_volume(lattice) * 8 * n * n * (scalar == GLK_F64 ? 8 : 4);
  char *memory = malloc(bytes + 8);
  memset(memory, 0x5a, bytes + 8);
  failed(gaugelink_view_dense(lattice, GLK_GAUGE, n, scalar, memory, &view, &error), path, "view");
  failed(gaugelink_file_read_view(file, lattice, origin, &view, part, &error), path, "read_view");
  for (int i = 0; i < 8; i++) check(memory[bytes + (size_t)i] == 0x5a, path, "written past the end");
  gaugelink_lattice_free(lattice);
  return memory;
}

/* A box that begins at an odd site, even sites first: even and odd are those of the file's lattice. */
static void checkerboard(const gaugelink_file *file, const char *path, const gaugelink_file_info *info, const double *whole) {
  const int64_t *l = info->extents, origin[4] = { 0, 1, 0, 0 }, e[4] = { l[0], 2, l[2], 2 };
  size_t site = 8 * (size_t)info->ncolor * info->ncolor, count = (size_t)(e[0] * e[1] * e[2] * e[3]);
  gaugelink_lattice *lattice = NULL;
  SIZED(glk_view, view);
  if (failed(gaugelink_lattice_new(context, 4, e, &lattice, &error), path, "lattice")) return;
  double *own = malloc(count * site * sizeof(double));
  failed(gaugelink_view_dense(lattice, GLK_GAUGE, info->ncolor, GLK_F64, own, &view, NULL), path, "view");
  view.site_order = GLK_SITE_EO;
  failed(gaugelink_file_read_view(file, lattice, origin, &view, NULL, &error), path, "checkerboard");
  for (size_t i = 0; i < count; i++) {
    int64_t rest = (int64_t)i, x[4];
    for (int mu = 0; mu < 4; mu++) {
      x[mu] = rest % e[mu] + origin[mu];
      rest /= e[mu];
    }
    size_t place = i / 2 + ((x[0] + x[1] + x[2] + x[3]) % 2 ? count / 2 : 0);
    int64_t there = x[0] + l[0] * (x[1] + l[1] * (x[2] + l[2] * x[3]));
    if (memcmp(own + site * place, whole + site * (size_t)there, site * sizeof(double)))
      return (void)printf("%s: site %d of the checkerboard is another\n", path, (int)i);
  }
  free(own);
  gaugelink_lattice_free(lattice);
}

/* The lattice by four boxes of unequal extents, at odd places too, is the whole. */
static void boxes(const gaugelink_file *file, const char *path, const gaugelink_file_info *info, const double *whole) {
  const int64_t *l = info->extents, zero[4] = { 0, 0, 0, 0 };
  size_t link = 2 * (size_t)info->ncolor * info->ncolor;
  gaugelink_file_part parts[4];
  int count = 0;
  for (int far_t = 0; far_t < 2; far_t++)
    for (int far_y = 0; far_y < 2; far_y++) {
      int64_t cut_y = 2, cut_t = l[3] - 2;
      int64_t origin[4] = { 0, far_y ? cut_y : 0, 0, far_t ? cut_t : 0 };
      int64_t e[4] = { l[0], far_y ? l[1] - cut_y : cut_y, l[2], far_t ? l[3] - cut_t : cut_t };
      memset(&parts[count], 0, sizeof parts[count]);
      parts[count].size = sizeof parts[count];
      double *own = box(file, path, e, origin, info->ncolor, GLK_F64, &parts[count]);
      float *narrow = box(file, path, e, origin, info->ncolor, GLK_F32, NULL);
      for (int64_t i = 0; i < e[0] * e[1] * e[2] * e[3]; i++) {
        int64_t x = i % e[0], y = i / e[0] % e[1], z = i / e[0] / e[1] % e[2], t = i / e[0] / e[1] / e[2];
        int64_t there = x + l[0] * (y + origin[1] + l[1] * (z + l[2] * (t + origin[3])));
        if (memcmp(own + 4 * link * (size_t)i, whole + 4 * link * (size_t)there, 4 * link * sizeof(double)))
          return (void)printf("%s: site %d of box %d is another\n", path, (int)i, count);
        for (size_t c = 0; c < 4 * link; c++)
          if (narrow[4 * link * (size_t)i + c] != (float)whole[4 * link * (size_t)there + c])
            return (void)printf("%s: site %d of box %d in single precision\n", path, (int)i, count);
      }
      free(own);
      free(narrow);
      count++;
    }
  glk_status status = gaugelink_file_check_parts(file, parts, 4, &error);
  if (strstr(path, "BADCHECKSUM")) refused(status, GLK_IO, "checksum mismatch: the file states", path);
  else failed(status, path, "check_parts");
  status = gaugelink_file_check_parts(file, parts, 3, &error);
  refused(status, GLK_INVALID_ARG, "each once", path);
  if (info->checksum) {
    parts[2].sums[0] ^= 0x10;
    status = gaugelink_file_check_parts(file, parts, 4, &error);
    refused(status, GLK_IO, "checksum mismatch", path);
  }
  /* Beyond the end. */
  gaugelink_lattice *lattice = NULL;
  int64_t outside[4] = { 0, 0, 0, 2 };
  SIZED(glk_view, view);
  failed(gaugelink_lattice_new(context, 4, l, &lattice, &error), path, "lattice");
  double *memory = malloc(sizeof(double) * 4 * link * (size_t)gaugelink_lattice_volume(lattice));
  failed(gaugelink_view_dense(lattice, GLK_GAUGE, info->ncolor, GLK_F64, memory, &view, &error), path, "view");
  status = gaugelink_file_read_view(file, lattice, outside, &view, NULL, &error);
  refused(status, GLK_INVALID_ARG, "at origin 2", path);
  view.plane_bytes -= 8;
  status = gaugelink_file_read_view(file, lattice, zero, &view, NULL, &error);
  refused(status, GLK_INVALID_ARG, "plane_bytes", path);
  free(memory);
  gaugelink_lattice_free(lattice);
}

/* Written in every format that can hold it and read back: the same links, or rounded where that was asked for. */
static void written(const gaugelink_gauge *u, const char *path, const char *scratch, const double *whole, size_t numbers,
                    const gaugelink_lattice *lattice, uint32_t n) {
  static const char *const formats[] = { "ildg", "scidac", "nersc", "milc", "openqcd", "ddalphaamg", "hirep" };
  for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
    int su3_only = f >= 3 && f <= 5, single = f == 3;
    SIZED(gaugelink_write_options, options);
    options.format = formats[f];
    options.precision = single ? 32 : 64;
    options.provenance = "files.c";
    glk_status status = gaugelink_file_write(u, scratch, &options, &error);
    if (su3_only && n != 3) {
      refused(status, GLK_IO, "of SU(3) only", formats[f]);
      continue;
    }
    if (failed(status, path, formats[f])) continue;
    SIZED(gaugelink_open_options, as);
    as.format = formats[f];
    gaugelink_file *file = NULL;
    SIZED(gaugelink_file_info, info);
    SIZED(glk_view, view);
    if (failed(gaugelink_file_open(context, scratch, &as, &file, &error), path, formats[f])) continue;
    failed(gaugelink_file_get_info(file, &info, &error), path, formats[f]);
    check(!strcmp(info.format, formats[f]) && info.ncolor == n && info.precision == options.precision, path, formats[f]);
    double *back = malloc(numbers * sizeof(double));
    int same = 1;
    failed(gaugelink_view_dense(lattice, GLK_GAUGE, n, GLK_F64, back, &view, &error), path, "view");
    failed(gaugelink_file_read_view(file, lattice, NULL, &view, NULL, &error), path, formats[f]);
    for (size_t i = 0; i < numbers; i++) same &= back[i] == (single ? (double)(float)whole[i] : whole[i]);
    check(same, path, formats[f]);
    /* From the host's memory: the same bytes. */
    size_t before = 0, after = 0;
    char *first = bytes_of(scratch, &before);
    failed(gaugelink_file_write_view(lattice, &view, scratch, &options, &error), path, "write_view");
    char *second = bytes_of(scratch, &after);
    check(before > numbers && before == after && !memcmp(first, second, before), path, "other bytes from a view");
    free(first);
    free(second);
    free(back);
    gaugelink_file_free(file);
  }
}

static void one(const char *path, const char *scratch) {
  gaugelink_file *file = NULL;
  SIZED(gaugelink_open_options, options);
  int bare = strstr(path, "barelime") != NULL;
  if (bare) {
    glk_status status = gaugelink_file_open(context, path, NULL, &file, &error);
    refused(status, GLK_IO, "must be given", path);
    check(file == NULL, path, "a handle of a failure");
    options.ncolor = strstr(path, "SU2") ? 2 : strstr(path, "SU4") ? 4 : 3;
    for (int mu = 0; mu < 4; mu++) options.extents[mu] = 4;
  }
  if (failed(gaugelink_file_open(context, path, bare ? &options : NULL, &file, &error), path, "open")) return;
  SIZED(gaugelink_file_info, info);
  failed(gaugelink_file_get_info(file, &info, &error), path, "info");
  size_t numbers = 8 * (size_t)info.ncolor * info.ncolor;
  for (int mu = 0; mu < 4; mu++) numbers *= (size_t)info.extents[mu];
  check(gaugelink_file_warning(file, info.warnings) == NULL, path, "warnings beyond the last");
  check(!info.warnings || strlen(gaugelink_file_warning(file, 0)) > 20, path, "a warning without words");

  SIZED(gaugelink_file_check, found);
  glk_status status = gaugelink_file_verify(file, &found, &error);
  if (info.ncolor > 3) refused(status, GLK_UNSUPPORTED, "ncolor is 4", path);
  else failed(status, path, "verify");
  printf("FILE\t%s\t%s\t%u\t%u\t%.12f\t%d\n", path, info.format, info.ncolor, info.precision, found.plaquette,
         (int)found.checksum);

  gaugelink_lattice *lattice = NULL;
  gaugelink_gauge *u = NULL;
  if (failed(gaugelink_lattice_new(context, info.ndim, info.extents, &lattice, &error), path, "lattice")) return;
  double *whole = malloc(numbers * sizeof(double));
  SIZED(glk_view, view);
  failed(gaugelink_view_dense(lattice, GLK_GAUGE, info.ncolor, GLK_F64, whole, &view, &error), path, "view");
  status = gaugelink_file_read_view(file, lattice, NULL, &view, NULL, &error);
  if (found.checksum == GAUGELINK_CHECKSUM_BAD) refused(status, GLK_IO, "checksum mismatch", path);
  else failed(status, path, "read_view");
  boxes(file, path, &info, whole);
  checkerboard(file, path, &info, whole);
  if (info.ncolor <= 3) {
    double average = 0;
    failed(gaugelink_gauge_new(lattice, info.ncolor, &u, &error), path, "gauge");
    status = gaugelink_file_read(file, u, &error);
    if (found.checksum == GAUGELINK_CHECKSUM_BAD) refused(status, GLK_IO, "copy the file again", path);
    else failed(status, path, "read");
    failed(gaugelink_gauge_plaquette(u, &average, NULL, NULL, NULL), path, "plaquette");
    check(average == found.plaquette, path, "another plaquette");
    written(u, path, scratch, whole, numbers, lattice, info.ncolor);
  }
  free(whole);
  gaugelink_gauge_free(u);
  gaugelink_lattice_free(lattice);
  gaugelink_file_free(file);
}

int main(int argc, char **argv) {
  gaugelink_file *file = NULL;
  SIZED(gaugelink_context_options, two);
  two.threads = 2;
  if (failed(gaugelink_context_new(&two, &context, &error), "", "context")) return 1;
  for (int i = 2; i < argc; i++) one(argv[i], argv[1]);
  /* Mistakes of a host. */
  gaugelink_context *none = NULL;
  SIZED(gaugelink_context_options, many);
  many.threads = 1000000;
  refused(gaugelink_context_new(&many, &none, &error), GLK_INVALID_ARG, "at most 4096", "too many threads");
  SIZED(gaugelink_open_options, options);
  options.format = "nersk";
  glk_status status = gaugelink_file_open(context, argv[1], &options, &file, &error);
  refused(status, GLK_INVALID_ARG, "the formats are ildg, scidac, nersc", "nersk");
  options.format = "nersc";
  status = gaugelink_file_open(context, "/nowhere/conf", &options, &file, &error);
  refused(status, GLK_NOT_FOUND, "/nowhere/conf", "missing");
  options.format = NULL;
  options.ncolor = 3;
  status = gaugelink_file_open(context, argv[1], &options, &file, &error);
  refused(status, GLK_INVALID_ARG, "all four extents", "half a shape");
  gaugelink_context_free(context);
  return 0;
}
