// The honest program: copies standard input to standard output, its arguments to standard error, its environment and
// folder after that.
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

extern char** environ;

int main(int argc, char** argv) {
  char buffer[4096];
  for (ssize_t got; (got = read(0, buffer, sizeof buffer)) > 0;) {
    if (write(1, buffer, static_cast<size_t>(got)) != got) return 1;
  }
  for (int i = 1; i < argc; ++i) fprintf(stderr, "%s\n", argv[i]);
  for (char** variable = environ; *variable != nullptr; ++variable) fprintf(stderr, "%s\n", *variable);
  fprintf(stderr, "in %s\n", getcwd(buffer, sizeof buffer));
  return 0;
}
