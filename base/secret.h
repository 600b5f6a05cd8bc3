// A string that must not be shown: no stream, JSON or format operator exists on purpose.
// Threads: thread-compatible. Source of values: environment variables and files only, never configs or flags.
#pragma once

#include <string>
#include <utility>

namespace passnet {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  bool empty() const { return value_.empty(); }
  // For the one place that puts it on the wire.
  const std::string& Reveal() const { return value_; }

 private:
  std::string value_;
};

}  // namespace passnet
