// The one error vocabulary across folders. An Error says "our call failed"; how a candidate ended is never an
// Error (see evaluator/api and sandbox/run.h), and nobody branches on the text.
// Threads: immutable values.
#pragma once

#include <string>
#include <string_view>

namespace passnet {

// Closed set. What each poisons: the attempt it happened in, unless said otherwise.
// Persisted in journals by name (ErrorCodeName), never by number.
enum class ErrorCode {
  kInvalidArgument,     // bad input from a user or a file; the message names file, key and line
  kNotFound,            // a named thing does not exist
  kAlreadyExists,       // a name is taken
  kPermissionDenied,    // the operating system or the policy said no
  kResourceExhausted,   // disk, memory, descriptors or processes ran out; retry later
  kDeadlineExceeded,    // the deadline passed down by the caller was reached
  kCancelled,           // the caller asked to stop
  kUnavailable,         // the other side is down or refuses for now; retry later
  kOverloaded,          // a bounded queue of ours is full (HTTP 503)
  kDataCorrupt,         // stored or received bytes break their format or hash; poisons the run
  kIo,                  // any other failing system call
  kInternal,            // a broken promise of ours that could be contained; poisons the run
};

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string context;  // what was tried, on what, what came back, and the next step where there is one

  // Adapts errno; the caller captured `err` on the line after the failing call. `op` names the call, `what` its
  // object: FromErrno("open", path, errno) -> "open /x: No such file or directory".
  static Error FromErrno(std::string_view op, std::string_view what, int err);

  // The same code with "prefix: " in front of the context.
  Error Prefixed(std::string_view prefix) const;
};

// "invalid_argument" and so on: stable, used in JSON and in the journal.
std::string_view ErrorCodeName(ErrorCode code);

// The code of that name; kInternal for a name that this build does not know.
ErrorCode ErrorCodeByName(std::string_view name);

// "invalid_argument: text", for logs and terminals.
std::string ToString(const Error& error);

inline Error InvalidArgument(std::string text) { return {ErrorCode::kInvalidArgument, std::move(text)}; }
inline Error NotFound(std::string text) { return {ErrorCode::kNotFound, std::move(text)}; }
inline Error DataCorrupt(std::string text) { return {ErrorCode::kDataCorrupt, std::move(text)}; }
inline Error Internal(std::string text) { return {ErrorCode::kInternal, std::move(text)}; }

}  // namespace passnet
