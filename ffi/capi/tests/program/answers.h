/* What the library answers, for programs that print what is wrong and nothing else. Before it: #define SHORTEST, the fewest
 * characters of a sentence that refuses. */
#include <gaugelink/gaugelink.h>
#include <stdio.h>
#include <string.h>

static gaugelink_context *context = NULL;
/* The error of the last call: not an argument beside that call, for arguments are evaluated in any order. */
static gaugelink_error *error = NULL;

static void check(int good, const char *what) {
  if (!good) printf("%s\n", what);
}
static void done(void) {
  gaugelink_error_free(error);
  error = NULL;
}
static void fine(glk_status status, const char *call) {
  if (status) printf("%s: %s\n", call, gaugelink_error_message(error));
  done();
}
static void refused(glk_status status, glk_status expected, const char *words, const char *what) {
  const char *message = gaugelink_error_message(error);
  if (status != expected || !strstr(message, words) || strlen(message) < SHORTEST)
    printf("%s: status %d, %s, instead of %s\n", what, (int)status, message, words);
  done();
}
#define SIZED(type, name)           \
  type name;                        \
  memset(&name, 0, sizeof name);    \
  name.size = sizeof name
