// Result<T>: the only error channel across folders. One alias, so that it can become std::expected in one place.
// Threads: values. Use: `if (!r) return r.error();  r.value()`, or the two macros below.
#pragma once

#include <boost/system/result.hpp>

#include "base/error.h"

namespace passnet {

// Called (found by argument-dependent look-up) by Result::value() on an error: a broken invariant of ours, since
// callers test first.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

// A class of its own for the attribute alone: a result that nobody looks at is a warning, and so an error.
template <typename T>
class [[nodiscard]] Result : public boost::system::result<T, Error> {
 public:
  using boost::system::result<T, Error>::result;
};

using Status = Result<void>;

inline Status OkStatus() { return Status(boost::system::in_place_value); }

}  // namespace passnet

#define PASSNET_CONCAT_(a, b) a##b
#define PASSNET_CONCAT(a, b) PASSNET_CONCAT_(a, b)

// Leaves the calling function with the error, if `expr` (a Result) holds one. Not for coroutines.
#define RETURN_IF_ERROR(expr)                       \
  do {                                              \
    if (auto status_ = (expr); status_.has_error()) \
      return std::move(status_).error();            \
  } while (false)

// Declares `lhs` from the value of `expr`, or leaves the function with its error. Not for coroutines.
#define ASSIGN_OR_RETURN(lhs, expr) ASSIGN_OR_RETURN_(PASSNET_CONCAT(result_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_(tmp, lhs, expr)                 \
  auto tmp = (expr);                                      \
  if (tmp.has_error()) return std::move(tmp).error();     \
  lhs = std::move(tmp).value()
