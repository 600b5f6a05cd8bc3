// How a hostile test program says what came of it, so that a test cannot mistake silence for safety: exit code 0 when
// the kernel refused (the reason is printed) or the allowed twin worked, 42 when the forbidden thing worked, 43 when the
// allowed twin did not.
#pragma once

#include <errno.h>
#include <stdio.h>
#include <string.h>

inline constexpr int kForbiddenWorked = 42;
inline constexpr int kTwinFailed = 43;

inline bool IsTwin(int argc, char** argv) { return argc > 1 && strcmp(argv[1], "allowed") == 0; }

// `result` < 0 means refused.
inline int Verdict(long result, const char* what) {
  const int err = errno;
  if (result >= 0) {
    printf("%s worked\n", what);
    return kForbiddenWorked;
  }
  printf("%s refused: %s\n", what, strerror(err));
  return 0;
}

inline int TwinVerdict(bool worked, const char* what) {
  printf("allowed %s %s\n", what, worked ? "worked" : strerror(errno));
  return worked ? 0 : kTwinFailed;
}
