/* Files of spinor fields and propagators through C: prints what is wrong, and "NAME numbers" of files of others.
 *   spinors FOLDER qdp++ qdp/c two-flavours two-volumes [tmLQCD ...], files by the formula of number(), on 4 x 2 x 2 x 6 */
#define SHORTEST 15
#include "program/answers.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SITES = 96, COMPONENTS = 24, NUMBERS = SITES * COMPONENTS };
static const int64_t EXTENTS[4] = { 4, 2, 2, 6 }, SOURCE[4] = { 3, 1, 0, 4 };
static gaugelink_lattice *lattice = NULL;

static gaugelink_spinor *spinor(const gaugelink_lattice *on, uint32_t ncolor) {
  gaugelink_spinor *psi = NULL;
  fine(gaugelink_spinor_new(on, ncolor, &psi, &error), "spinor");
  return psi;
}
static gaugelink_spinor_file *opened(const char *path) {
  gaugelink_spinor_file *file = NULL;
  fine(gaugelink_spinor_file_open(context, path, NULL, &file, &error), path);
  return file;
}
/* Numbers of a spinor field of SU(3), sites with x fastest, [spin][colour][re, im]. */
static void numbers(const gaugelink_spinor *psi, double *to) {
  SIZED(glk_view, view);
  fine(gaugelink_view_dense(lattice, GLK_WILSON, 3, GLK_F64, to, &view, &error), "view");
  fine(gaugelink_spinor_write_view(psi, &view, &error), "write_view");
}
static int equal(const gaugelink_spinor *a, const gaugelink_spinor *b, double bound) {
  static double of_a[NUMBERS], of_b[NUMBERS];
  int same = 1;
  numbers(a, of_a);
  numbers(b, of_b);
  for (int i = 0; i < NUMBERS; i++) same &= fabs(of_a[i] - of_b[i]) <= bound;
  return same;
}
static char *contents(const char *path, size_t *count) {
  static char bytes[1 << 20];
  FILE *file = fopen(path, "rb");
  *count = file ? fread(bytes, 1, sizeof bytes, file) : 0;
  if (file) fclose(file);
  return bytes;
}
static void put(const char *path, const char *bytes, size_t count) {
  FILE *file = fopen(path, "wb");
  check(file && fwrite(bytes, 1, count, file) == count, path);
  if (file) fclose(file);
}
static const char *in(const char *folder, const char *name) {
  static char paths[8][4096];
  static int next = 0;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

/* ---- Written and read again -------------------------------------------------------------------------------------- */
static void come_back(const char *folder, uint32_t precision, gaugelink_spinor *const *columns) {
  const char *path = in(folder, precision == 64 ? "prop64" : "prop32");
  const double bound = precision == 64 ? 0 : 1e-6;
  gaugelink_spinor *again[12];
  SIZED(gaugelink_spinor_write_options, how);
  how.precision = precision;
  how.info = "mass < 0.2 & so on";
  fine(gaugelink_propagator_write(columns, 12, SOURCE, path, &how, &error), "propagator_write");
  gaugelink_spinor_file *file = opened(path);
  SIZED(gaugelink_spinor_file_info, info);
  fine(gaugelink_spinor_file_get_info(file, &info, &error), "get_info");
  check(info.spinors == 12 && !memcmp(info.extents, EXTENTS, sizeof EXTENTS) && info.volumes == 1, "the file's description");
  check(info.warnings == 0 && gaugelink_spinor_file_warning(file, 0) == NULL, "a warning on our own file");
  check(info.xml && strstr(info.xml, "TwelveSink") && strstr(info.xml, "mass &lt; 0.2 &amp; so on"), "the file's text");
  int64_t site[4] = { 9, 9, 9, 9 };
  int32_t found = 7;
  fine(gaugelink_spinor_file_source(file, site, &found, &error), "source");
  check(found == 1 && !memcmp(site, SOURCE, sizeof site), "the source");
  for (uint32_t i = 0; i < 12; i++) {
    SIZED(gaugelink_spinor_info, about);
    SIZED(gaugelink_spinor_check, sum);
    again[i] = spinor(lattice, 3);
    fine(gaugelink_spinor_file_describe(file, i, &about, &error), "describe");
    check(about.ncolor == 3 && about.nspin == 4 && about.precision == precision && about.record == 1 + i, "a description");
    check(about.source_spin == (int)i / 3 && about.source_colour == (int)i % 3, "the source of a column");
    check(about.gamma_basis == GLK_GAMMA_DEGRAND_ROSSI, "the basis of a column");
    check(!strcmp(about.datatype, precision == 64 ? "USQCD_D3_DiracFermion" : "USQCD_F3_DiracFermion"), "the datatype");
    check(about.xml && strstr(about.xml, "usqcdPropInfo"), "the record's text");
    fine(gaugelink_spinor_file_verify(file, i, &sum, &error), "verify");
    char text[32];
    snprintf(text, sizeof text, "%08x/%08x", sum.sums[0], sum.sums[1]);
    check(sum.checksum == GAUGELINK_CHECKSUM_OK && !strcmp(text, about.checksum), "a checksum");
    fine(gaugelink_spinor_file_read(file, i, again[i], &error), "read");
    check(equal(again[i], columns[i], bound), "another spinor came back");
    /* In a host's own order and precision. */
    static float own[NUMBERS + 2];
    static double expected[NUMBERS];
    SIZED(glk_view, view);
    own[NUMBERS] = 77;
    fine(gaugelink_view_dense(lattice, GLK_WILSON, 3, GLK_F32, own, &view, &error), "view");
    fine(gaugelink_spinor_file_read_view(file, i, lattice, &view, &error), "read_view");
    numbers(again[i], expected);
    int same = own[NUMBERS] == 77;
    for (int k = 0; k < NUMBERS; k++) same &= own[k] == (float)expected[k];
    check(same, "another spinor in a view");
    fine(gaugelink_spinor_gaussian(again[i], 99, &error), "gaussian");
  }
  fine(gaugelink_spinor_file_read_propagator(file, again, 12, &error), "read_propagator");
  for (int i = 0; i < 12; i++) {
    check(equal(again[i], columns[i], bound), "another column came back");
    gaugelink_spinor_free(again[i]);
  }
  gaugelink_spinor_file_free(file);
}

/* As one record of matrices, with the host's XML or none. */
static void as_matrices(const char *folder, uint32_t precision, gaugelink_spinor *const *columns) {
  const char *path = in(folder, precision == 64 ? "matrices64" : "matrices32");
  const double bound = precision == 64 ? 0 : 1e-6;
  const char *xml = "<?xml version=\"1.0\"?><Propagator><Source>wall</Source></Propagator>";
  gaugelink_spinor *again[12];
  SIZED(gaugelink_spinor_write_options, how);
  how.precision = precision;
  how.format = "qdp++";
  how.info = precision == 64 ? xml : NULL;
  fine(gaugelink_propagator_write(columns, 12, NULL, path, &how, &error), "qdp++");
  gaugelink_spinor_file *file = opened(path);
  SIZED(gaugelink_spinor_file_info, info);
  fine(gaugelink_spinor_file_get_info(file, &info, &error), "get_info");
  check(info.spinors == 12 && info.warnings == 0, "a file of matrices");
  for (uint32_t i = 0; i < 12; i++) {
    SIZED(gaugelink_spinor_info, about);
    fine(gaugelink_spinor_file_describe(file, i, &about, &error), "describe");
    check(!strcmp(about.datatype, "Lattice") && about.precision == precision && about.record == 0, "a record of matrices");
    check(!strcmp(about.xml, precision == 64 ? xml : "<?xml version=\"1.0\"?><Propagator></Propagator>"), "its text");
    again[i] = spinor(lattice, 3);
    fine(gaugelink_spinor_file_read(file, i, again[i], &error), "read");
    check(equal(again[i], columns[i], bound), "another column of matrices came back");
    fine(gaugelink_spinor_gaussian(again[i], 97, &error), "gaussian");
  }
  fine(gaugelink_spinor_file_read_propagator(file, again, 12, &error), "read_propagator");
  for (int i = 0; i < 12; i++) {
    check(equal(again[i], columns[i], bound), "other matrices came back");
    gaugelink_spinor_free(again[i]);
  }
  gaugelink_spinor_file_free(file);
}

/* Fields without a source: one, and several. */
static void fields_come_back(const char *folder, gaugelink_spinor *const *fields) {
  gaugelink_spinor *psi = spinor(lattice, 3);
  for (uint32_t count = 1; count <= 3; count += 2) {
    const char *path = in(folder, "fields");
    fine(gaugelink_spinor_file_write(fields, count, path, NULL, &error), "spinor_file_write");
    gaugelink_spinor_file *file = opened(path);
    SIZED(gaugelink_spinor_file_info, info);
    SIZED(gaugelink_spinor_info, about);
    int64_t site[4];
    int32_t found = 7;
    fine(gaugelink_spinor_file_get_info(file, &info, &error), "get_info");
    check(info.spinors == count && info.warnings == 0, "the number of fields");
    fine(gaugelink_spinor_file_describe(file, count - 1, &about, &error), "describe");
    check(about.source_spin == -1 && about.source_colour == -1, "a source that nobody told");
    fine(gaugelink_spinor_file_source(file, site, &found, &error), "source");
    check(found == 0, "a source where there is none");
    for (uint32_t i = 0; i < count; i++) {
      fine(gaugelink_spinor_file_read(file, i, psi, &error), "read");
      check(equal(psi, fields[i], 0), "another field came back");
    }
    gaugelink_spinor_file_free(file);
  }
  gaugelink_spinor_free(psi);
}

/* Other groups: a propagator of SU(2) has 8 columns, one of U(1) 4. */
static void other_groups(const char *folder) {
  for (uint32_t n = 1; n <= 2; n++) {
    gaugelink_spinor *columns[8], *psi = spinor(lattice, n), *three = spinor(lattice, 3);
    const char *path = in(folder, "other-group");
    for (uint32_t i = 0; i < 4 * n; i++) {
      columns[i] = spinor(lattice, n);
      check(gaugelink_spinor_ncolor(columns[i]) == n, "ncolor");
      fine(gaugelink_spinor_gaussian(columns[i], i, &error), "gaussian");
    }
    fine(gaugelink_propagator_write(columns, 4 * n, SOURCE, path, NULL, &error), "propagator_write");
    gaugelink_spinor_file *file = opened(path);
    SIZED(gaugelink_spinor_info, about);
    fine(gaugelink_spinor_file_describe(file, 4 * n - 1, &about, &error), "describe");
    check(about.ncolor == n && about.source_spin == 3 && about.source_colour == (int)n - 1, "a column of another group");
    for (uint32_t i = 0; i < 4 * n; i++) {
      double a = 0, b = 1;
      fine(gaugelink_spinor_file_read(file, i, psi, &error), "read");
      fine(gaugelink_spinor_norm2(psi, &a, &error), "norm2");
      fine(gaugelink_spinor_norm2(columns[i], &b, &error), "norm2");
      check(a == b, "another norm of another group");
    }
    refused(gaugelink_spinor_file_read(file, 0, three, &error), GLK_INVALID_ARG, "of SU(3)", "wrong ncolor");
    gaugelink_spinor *twelve[12];
    for (int i = 0; i < 12; i++) twelve[i] = spinor(lattice, 3);
    refused(gaugelink_spinor_file_read_propagator(file, twelve, 12, &error), GLK_INVALID_ARG,
            "no Dirac fermion of 3 colours", "propagator of another group");
    for (int i = 0; i < 12; i++) gaugelink_spinor_free(twelve[i]);
    for (uint32_t i = 0; i < 4 * n; i++) gaugelink_spinor_free(columns[i]);
    gaugelink_spinor_file_free(file);
    gaugelink_spinor_free(psi);
    gaugelink_spinor_free(three);
  }
}

/* ---- Files by formula: matrices of spin and colour in one record ----------------------------------------------------- */
static double number(int site, int sink_spin, int sink_colour, int spin, int colour) {
  return site * 1000 + sink_spin * 400 + sink_colour * 100 + spin * 20 + colour * 5;
}
static int by_formula(const gaugelink_spinor *psi, int spin, int colour) {
  static double found[NUMBERS];
  int same = 1;
  numbers(psi, found);
  for (int i = 0; i < NUMBERS; i += 2) {
    double x = number(i / COMPONENTS, i / 6 % 4, i / 2 % 3, spin, colour);
    same &= found[i] == x && found[i + 1] == -x;
  }
  return same;
}
static void matrices(const char *path, uint32_t precision, int32_t basis) {
  gaugelink_spinor_file *file = opened(path);
  gaugelink_spinor *columns[12];
  SIZED(gaugelink_spinor_file_info, info);
  fine(gaugelink_spinor_file_get_info(file, &info, &error), path);
  check(info.spinors == 12, "the columns of one record");
  check(info.warnings == (basis == 0) && (basis || strstr(gaugelink_spinor_file_warning(file, 0), "gamma matrices")), path);
  for (uint32_t i = 0; i < 12; i++) {
    SIZED(gaugelink_spinor_info, about);
    columns[i] = spinor(lattice, 3);
    fine(gaugelink_spinor_file_describe(file, i, &about, &error), path);
    check(about.record == 0 && about.precision == precision && about.gamma_basis == basis, "a column of a record");
    check(about.source_spin == (int)i / 3 && about.source_colour == (int)i % 3, "the source of a column of a record");
    fine(gaugelink_spinor_file_read(file, i, columns[i], &error), path);
    check(by_formula(columns[i], (int)i / 3, (int)i % 3), "another column of a record");
    fine(gaugelink_spinor_gaussian(columns[i], 98, &error), path);
  }
  fine(gaugelink_spinor_file_read_propagator(file, columns, 12, &error), path);
  for (int i = 0; i < 12; i++) {
    check(by_formula(columns[i], i / 3, i % 3), "another column of all");
    gaugelink_spinor_free(columns[i]);
  }
  gaugelink_spinor_file_free(file);
}
/* Two Dirac fermions a site, one after the other. */
static void two_flavours(const char *path, uint32_t volumes) {
  gaugelink_spinor_file *file = opened(path);
  gaugelink_spinor *psi = spinor(lattice, 3);
  SIZED(gaugelink_spinor_file_info, info);
  fine(gaugelink_spinor_file_get_info(file, &info, &error), path);
  check(info.spinors == 2 && info.volumes == volumes, path);
  for (uint32_t flavour = 0; flavour < 2; flavour++) {
    SIZED(gaugelink_spinor_info, about);
    fine(gaugelink_spinor_file_describe(file, flavour, &about, &error), path);
    check(about.record == 0 && about.source_spin == -1, "a flavour's description");
    fine(gaugelink_spinor_file_read(file, flavour, psi, &error), path);
    check(by_formula(psi, (int)flavour, 0), "another flavour");
  }
  refused(gaugelink_spinor_file_read(file, 2, psi, &error), GLK_INVALID_ARG, "the file holds 2", "a third flavour");
  gaugelink_spinor_free(psi);
  gaugelink_spinor_file_free(file);
}

/* ---- Files of tmLQCD: |S|^2 of each time slice, summed over the files ---------------------------------------------------- */
static void others(char **paths, int count) {
  static double own[4 * 4 * 4 * 8 * COMPONENTS];
  double slices[8] = { 0 };
  for (int f = 0; f < count; f++) {
    gaugelink_spinor_file *file = opened(paths[f]);
    gaugelink_lattice *on = NULL;
    SIZED(gaugelink_spinor_file_info, info);
    SIZED(gaugelink_spinor_info, about);
    SIZED(gaugelink_spinor_check, sum);
    SIZED(glk_view, view);
    fine(gaugelink_spinor_file_get_info(file, &info, &error), paths[f]);
    fine(gaugelink_spinor_file_describe(file, 0, &about, &error), paths[f]);
    fine(gaugelink_spinor_file_verify(file, 0, &sum, &error), paths[f]);
    check(info.spinors == 1 && about.ncolor == 3 && about.precision == 64 && sum.checksum == GAUGELINK_CHECKSUM_OK, paths[f]);
    check(about.source_spin == -1 && about.gamma_basis == 0, "what tmLQCD does not tell");
    check(info.warnings > 0 && strstr(gaugelink_spinor_file_warning(file, info.warnings - 1), "tmLQCD"), "no warning on the basis");
    check(!gaugelink_spinor_file_warning(file, info.warnings), "warnings beyond the last");
    printf("SUMS %08x %08x\n", sum.sums[0], sum.sums[1]);
    fine(gaugelink_lattice_new(context, 4, info.extents, &on, &error), paths[f]);
    fine(gaugelink_view_dense(on, GLK_WILSON, 3, GLK_F64, own, &view, &error), paths[f]);
    fine(gaugelink_spinor_file_read_view(file, 0, on, &view, &error), paths[f]);
    for (int i = 0; i < 4 * 4 * 4 * 8 * COMPONENTS; i++) slices[i / (64 * COMPONENTS)] += own[i] * own[i];
    gaugelink_spinor_file_free(file);
    gaugelink_lattice_free(on);
  }
  if (count) {
    printf("SLICES");
    for (int t = 0; t < 8; t++) printf(" %.15e", slices[t]);
    printf("\n");
  }
}

/* ---- What is refused ------------------------------------------------------------------------------------------------- */
static void bad_files(const char *folder) {
  gaugelink_spinor_file *file = NULL;
  gaugelink_spinor *psi = spinor(lattice, 3), *twelve[12];
  for (int i = 0; i < 12; i++) twelve[i] = spinor(lattice, 3);
  refused(gaugelink_spinor_file_open(context, "/nowhere/prop", NULL, &file, &error), GLK_NOT_FOUND, "/nowhere/prop", "missing");
  check(file == NULL, "a handle of a failure");

  /* Gauge fields in its place, in LIME records and not. */
  gaugelink_gauge *u = NULL;
  fine(gaugelink_gauge_new(lattice, 3, &u, &error), "gauge");
  static const char *const formats[] = { "ildg", "scidac", "nersc" };
  for (int i = 0; i < 3; i++) {
    const char *path = in(folder, formats[i]);
    SIZED(gaugelink_write_options, how);
    how.format = formats[i];
    fine(gaugelink_file_write(u, path, &how, &error), formats[i]);
    refused(gaugelink_spinor_file_open(context, path, NULL, &file, &error), GLK_IO, i < 2 ? "gaugelink_file_open" : path,
            formats[i]);
  }
  gaugelink_gauge_free(u);

  /* Another lattice, another number. */
  const char *path = in(folder, "prop64");
  const int64_t eight[4] = { 4, 2, 2, 8 };
  gaugelink_lattice *longer = NULL;
  fine(gaugelink_lattice_new(context, 4, eight, &longer, &error), "lattice");
  gaugelink_spinor *elsewhere = spinor(longer, 3);
  file = opened(path);
  refused(gaugelink_spinor_file_read(file, 0, elsewhere, &error), GLK_INVALID_ARG, "[4, 2, 2, 6]", "another lattice");
  refused(gaugelink_spinor_file_read(file, 12, psi, &error), GLK_INVALID_ARG, "the file holds 12", "number 12");
  SIZED(gaugelink_spinor_info, about);
  refused(gaugelink_spinor_file_describe(file, 4000000000u, &about, &error), GLK_INVALID_ARG, "counted from 0", "number 4e9");
  SIZED(gaugelink_spinor_check, sum);
  refused(gaugelink_spinor_file_verify(file, 12, &sum, &error), GLK_INVALID_ARG, "counted from 0", "verify");
  about.size = 0;
  refused(gaugelink_spinor_file_describe(file, 0, &about, &error), GLK_INVALID_ARG, "size is not set", "no size");
  refused(gaugelink_spinor_file_read_propagator(file, twelve, 11, &error), GLK_INVALID_ARG, "11 columns", "11 columns");
  refused(gaugelink_spinor_file_read_propagator(file, twelve, 0, &error), GLK_INVALID_ARG, "count is 0", "no columns");
  gaugelink_spinor *kept = twelve[7];
  twelve[7] = twelve[2];
  refused(gaugelink_spinor_file_read_propagator(file, twelve, 12, &error), GLK_INVALID_ARG, "columns[7]", "one twice");
  twelve[7] = NULL;
  refused(gaugelink_spinor_file_read_propagator(file, twelve, 12, &error), GLK_INVALID_ARG, "columns[7] is NULL", "a NULL");
  twelve[7] = elsewhere;
  refused(gaugelink_spinor_file_read_propagator(file, twelve, 12, &error), GLK_INVALID_ARG, "[4, 2, 2, 8]", "two lattices");
  twelve[7] = kept;
  static double own[NUMBERS];
  SIZED(glk_view, view);
  fine(gaugelink_view_dense(lattice, GLK_WILSON, 3, GLK_F64, own, &view, &error), "view");
  view.plane_bytes -= 8;
  refused(gaugelink_spinor_file_read_view(file, 0, lattice, &view, &error), GLK_INVALID_ARG, "plane_bytes", "a lying view");
  gaugelink_spinor_file_free(file);

  /* One column away: the others can be read, all together cannot. */
  file = opened(in(folder, "fields"));
  refused(gaugelink_spinor_file_read_propagator(file, twelve, 12, &error), GLK_INVALID_ARG, "source spin 0, colour 0",
          "no propagator");
  gaugelink_spinor_file_free(file);

  /* Cut at every kind of place. */
  size_t count;
  char *bytes = contents(path, &count);
  const char *cut = in(folder, "cut");
  for (size_t end = 0; end < count; end += 997) {
    put(cut, bytes, end);
    glk_status status = gaugelink_spinor_file_open(context, cut, NULL, &file, &error);
    refused(status, GLK_IO, cut, "cut");
  }

  /* One bit of a number in the fifth record: the column before it is good. */
  int data = 0;
  for (size_t i = 0; i + 144 < count && data < 6; i += 8)
    if (!memcmp(bytes + i + 16, "scidac-binary-data", 18) && ++data == 6) bytes[i + 144 + 7] ^= 1;
  const char *damaged = in(folder, "damaged");
  put(damaged, bytes, count);
  for (uint32_t ignore = 0; ignore < 2; ignore++) {
    SIZED(gaugelink_spinor_open_options, how);
    how.ignore_checksum = ignore;
    fine(gaugelink_spinor_file_open(context, damaged, &how, &file, &error), "damaged");
    fine(gaugelink_spinor_file_read(file, 3, psi, &error), "the column before");
    glk_status status = gaugelink_spinor_file_read(file, 4, psi, &error);
    if (ignore) fine(status, "read");
    else refused(status, GLK_IO, "ignore_checksum", "read");
    status = gaugelink_spinor_file_read_propagator(file, twelve, 12, &error);
    if (ignore) fine(status, "read_propagator");
    else refused(status, GLK_IO, "checksum mismatch", "read_propagator");
    fine(gaugelink_spinor_file_verify(file, 4, &sum, &error), "verify");
    check(sum.checksum == GAUGELINK_CHECKSUM_BAD, "a bad checksum is not told");
    gaugelink_spinor_file_free(file);
    how.ignore_checksum = 2;
    refused(gaugelink_spinor_file_open(context, damaged, &how, &file, &error), GLK_INVALID_ARG, "0 and 1 are possible", "two");
  }
  /* Numbers that are none: no damage that a checksum could tell. */
  bytes = contents(path, &count);
  data = 0;
  for (size_t i = 0; i + 144 < count && data < 2; i += 8)
    if (!memcmp(bytes + i + 16, "scidac-binary-data", 18) && ++data == 2) memset(bytes + i + 144, 0xff, 8);
  put(damaged, bytes, count);
  SIZED(gaugelink_spinor_open_options, how);
  how.ignore_checksum = 1;
  fine(gaugelink_spinor_file_open(context, damaged, &how, &file, &error), "damaged");
  refused(gaugelink_spinor_file_read(file, 0, psi, &error), GLK_NONFINITE, damaged, "NaN");
  gaugelink_spinor_file_free(file);

  for (int i = 0; i < 12; i++) gaugelink_spinor_free(twelve[i]);
  gaugelink_spinor_free(psi);
  gaugelink_spinor_free(elsewhere);
  gaugelink_lattice_free(longer);
}

/* Any byte of the headers and texts may be another: an error or a warning, or no harm, but no bug. */
static void mutations(const char *folder) {
  const char *path = in(folder, "mutated");
  size_t count, places[1 << 14], known = 0;
  char *bytes = contents(in(folder, "prop64"), &count);
  for (size_t i = 0; i + 144 < count && known + 1024 < sizeof places / sizeof *places;) {
    uint64_t length = 0;
    for (size_t k = 8; k < 16; k++) length = length << 8 | (unsigned char)bytes[i + k];
    int is_data = !strncmp(bytes + i + 16, "scidac-binary-data", 18);
    for (size_t k = 0; k < 144 + (is_data ? 0 : length); k++) places[known++] = i + k;
    i += 144 + (size_t)((length + 7) / 8 * 8);
  }
  check(known > 5000, "few bytes of text");
  gaugelink_spinor *psi = spinor(lattice, 3);
  uint64_t state = 1;
  for (int trial = 0; trial < 600; trial++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    size_t at = places[(state >> 33) % known];
    char old = bytes[at], other = (char)(state >> 25);
    bytes[at] = other;
    put(path, bytes, count);
    bytes[at] = old;
    gaugelink_spinor_file *file = NULL;
    SIZED(gaugelink_spinor_file_info, info);
    glk_status status = gaugelink_spinor_file_open(context, path, NULL, &file, NULL);
    int good = status == GLK_OK || status == GLK_IO || status == GLK_UNSUPPORTED;
    if (!status) status = gaugelink_spinor_file_get_info(file, &info, NULL);
    for (uint32_t i = 0; !status && i < info.spinors && i < 16; i++) {
      SIZED(gaugelink_spinor_info, about);
      SIZED(gaugelink_spinor_check, sum);
      good &= gaugelink_spinor_file_describe(file, i, &about, NULL) == GLK_OK;
      good &= gaugelink_spinor_file_verify(file, i, &sum, NULL) == GLK_OK;
      glk_status read = gaugelink_spinor_file_read(file, i, psi, NULL);
      good &= read == GLK_OK || read == GLK_IO || read == GLK_INVALID_ARG || read == GLK_UNSUPPORTED || read == GLK_NONFINITE;
    }
    int64_t site[4];
    int32_t found;
    status = file ? gaugelink_spinor_file_source(file, site, &found, NULL) : GLK_OK;
    good &= status == GLK_OK || status == GLK_IO || status == GLK_INVALID_ARG;
    if (!good) printf("byte %zu as %d: an odd status\n", at, other);
    gaugelink_spinor_file_free(file);
  }
  gaugelink_spinor_free(psi);
}

static void bad_writes(const char *folder, gaugelink_spinor *const *columns) {
  const char *path = in(folder, "unwritten");
  const int64_t outside[4] = { 0, 0, 2, 0 }, negative[4] = { 0, 0, 0, -1 };
  gaugelink_spinor *mixed[12];
  memcpy(mixed, columns, sizeof mixed);
  put(path, "old", 3);
  refused(gaugelink_propagator_write(columns, 11, SOURCE, path, NULL, &error), GLK_INVALID_ARG, "11 columns", "11 columns");
  refused(gaugelink_propagator_write(columns, 0, SOURCE, path, NULL, &error), GLK_INVALID_ARG, "count is 0", "no columns");
  refused(gaugelink_propagator_write(columns, 12, outside, path, NULL, &error), GLK_INVALID_ARG, "outside the lattice", "outside");
  refused(gaugelink_propagator_write(columns, 12, negative, path, NULL, &error), GLK_INVALID_ARG, "count sites", "negative");
  mixed[3] = spinor(lattice, 2);
  refused(gaugelink_propagator_write(mixed, 12, SOURCE, path, NULL, &error), GLK_INVALID_ARG, "SU(2)", "two groups");
  gaugelink_spinor_free(mixed[3]);
  mixed[3] = spinor(lattice, 3);
  static double own[NUMBERS];
  own[5 * COMPONENTS + 7] = 1e200;
  SIZED(glk_view, view);
  fine(gaugelink_view_dense(lattice, GLK_WILSON, 3, GLK_F64, own, &view, &error), "view");
  fine(gaugelink_spinor_read_view(mixed[3], &view, &error), "read_view");
  SIZED(gaugelink_spinor_write_options, how);
  how.precision = 32;
  refused(gaugelink_propagator_write(mixed, 12, SOURCE, path, &how, &error), GLK_IO, "number 7 of site 5", "1e200 as f32");
  how.precision = 16;
  refused(gaugelink_propagator_write(columns, 12, SOURCE, path, &how, &error), GLK_INVALID_ARG, "32 and 64", "16 bits");
  how.precision = 0;
  how.format = "qdp";
  refused(gaugelink_propagator_write(columns, 12, SOURCE, path, &how, &error), GLK_INVALID_ARG, "usqcd and qdp++", "qdp");
  how.format = "qdp++";
  refused(gaugelink_propagator_write(columns, 11, NULL, path, &how, &error), GLK_INVALID_ARG, "11 columns", "11 columns");
  refused(gaugelink_spinor_file_write(columns, 1, path, &how, &error), GLK_INVALID_ARG, "for propagators", "a field as qdp++");
  how.info = "wall source";
  refused(gaugelink_propagator_write(columns, 12, NULL, path, &how, &error), GLK_INVALID_ARG, "no XML", "no XML");
  how.info = "<Propagator><mass>0.1</Propagator>";
  refused(gaugelink_propagator_write(columns, 12, NULL, path, &how, &error), GLK_INVALID_ARG, "no XML", "an open element");
  how.info = "<Propagator>a & b</Propagator>";
  refused(gaugelink_propagator_write(columns, 12, NULL, path, &how, &error), GLK_INVALID_ARG, "no XML", "a bare ampersand");
  how.format = NULL;
  refused(gaugelink_propagator_write(columns, 12, NULL, path, &how, &error), GLK_INVALID_ARG, "source is NULL", "no source");
  how.info = "mass\x01";
  refused(gaugelink_propagator_write(columns, 12, SOURCE, path, &how, &error), GLK_INVALID_ARG, "control characters", "control");
  refused(gaugelink_spinor_file_write(columns, 1, path, &how, &error), GLK_INVALID_ARG, "control characters", "control");
  how.info = "\xff";
  refused(gaugelink_propagator_write(columns, 12, SOURCE, path, &how, &error), GLK_INVALID_ARG, "not UTF-8", "bytes");
  refused(gaugelink_spinor_file_write(columns, 1, "/nowhere/prop", NULL, &error), GLK_IO, "/nowhere", "no folder");
  size_t count;
  char *bytes = contents(path, &count);
  check(count == 3 && !memcmp(bytes, "old", 3), "the old file is none any more");
  gaugelink_spinor_free(mixed[3]);
}

/* ---- Spinors of tmLQCD ------------------------------------------------------------------------------------------- */
static void turns(void) {
  static double before[NUMBERS], after[NUMBERS];
  /* Half a turn from site to site in y, a quarter in t. */
  const double phases[4] = { 0, 1, 0, 1.5 }, none[4] = { 0, 0, 0, NAN }, cosine[4] = { 1, 0, -1, 0 };
  const int from[4] = { 3, 2, 1, 0 }, sign[4] = { 1, -1, -1, 1 };
  gaugelink_spinor *psi = spinor(lattice, 3), *other = spinor(lattice, 3);
  fine(gaugelink_spinor_gaussian(psi, 5, &error), "gaussian");
  fine(gaugelink_spinor_copy(other, psi, &error), "copy");
  numbers(psi, before);
  fine(gaugelink_spinor_turn_tmlqcd(psi, phases, 0, &error), "turn");
  numbers(psi, after);
  double worst = 0;
  for (int i = 0; i < SITES * 12; i++) {
    const int site = i / 12, s = i / 3 % 4, k = 24 * site + 6 * from[s] + 2 * (i % 3);
    const int quarters = 2 * (site / 4 % 2) + site / 16;
    const double c = cosine[quarters % 4], d = cosine[(quarters + 3) % 4];
    const double re = sign[s] * (c * before[k] - d * before[k + 1]), im = sign[s] * (d * before[k] + c * before[k + 1]);
    const double off = fabs(after[2 * i] - re) + fabs(after[2 * i + 1] - im);
    if (!(off <= worst)) worst = off;
  }
  check(worst < 1e-14, "turned spinors are not those of the formula");
  fine(gaugelink_spinor_turn_tmlqcd(psi, phases, 1, &error), "turn back");
  check(equal(psi, other, 1e-14), "turned there and back");
  refused(gaugelink_spinor_turn_tmlqcd(psi, none, 0, &error), GLK_INVALID_ARG, "must be finite", "phases that are none");
  check(equal(psi, other, 1e-14), "a turn that was refused");
  gaugelink_spinor_free(psi);
  gaugelink_spinor_free(other);
}

int main(int argc, char **argv) {
  gaugelink_spinor *columns[12];
  SIZED(gaugelink_context_options, two);
  if (argc < 6) return 1;
  two.threads = 2;
  fine(gaugelink_context_new(&two, &context, &error), "context");
  fine(gaugelink_lattice_new(context, 4, EXTENTS, &lattice, &error), "lattice");
  for (uint32_t i = 0; i < 12; i++) {
    columns[i] = spinor(lattice, 3);
    fine(gaugelink_spinor_gaussian(columns[i], i, &error), "gaussian");
  }
  come_back(argv[1], 32, columns);
  come_back(argv[1], 64, columns);
  as_matrices(argv[1], 32, columns);
  as_matrices(argv[1], 64, columns);
  fields_come_back(argv[1], columns);
  other_groups(argv[1]);
  turns();
  matrices(argv[2], 64, GLK_GAMMA_DEGRAND_ROSSI);
  matrices(argv[3], 32, 0);
  two_flavours(argv[4], 1);
  two_flavours(argv[5], 2);
  others(argv + 6, argc - 6);
  bad_files(argv[1]);
  mutations(argv[1]);
  bad_writes(argv[1], columns);
  for (int i = 0; i < 12; i++) gaugelink_spinor_free(columns[i]);
  gaugelink_lattice_free(lattice);
  gaugelink_context_free(context);
  return 0;
}
