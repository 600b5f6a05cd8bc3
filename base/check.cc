#include "base/check.h"

#include <cstdio>
#include <cstdlib>

#include "base/result.h"

namespace passnet {

void CheckFailed(const char* expr, const char* file, int line) {
  std::fprintf(stderr, "CHECK failed: %s at %s:%d\n", expr, file, line);
  std::abort();
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  std::fprintf(stderr, "value() of a failed Result at %s:%u: %s\n", where.file_name(),
               static_cast<unsigned>(where.line()), ToString(error).c_str());
  std::abort();
}

}  // namespace passnet
