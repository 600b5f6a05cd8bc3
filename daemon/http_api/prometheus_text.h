// A page in the text form of Prometheus, family by family.
// Threads: thread-compatible.
// Errors: none; names and helps are constants of ours and are not checked, values of labels may be anybody's.
// Source: https://prometheus.io/docs/instrumenting/exposition_formats, text format 0.0.4.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/duration_histogram.h"

namespace passnet::daemon {

class PrometheusText {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  // `type`: "counter", "gauge" or "histogram". Samples follow until the next family.
  void Family(const char* name, const char* type, const char* help);
  void Sample(int64_t value, const Labels& labels = {});
  void Real(double value, const Labels& labels = {});
  // In seconds.
  void Histogram(const DurationHistogram::Counts& counts);

  std::string Take() { return std::move(text_); }

 private:
  void Line(std::string_view suffix, const Labels& labels, const std::string& value);

  std::string name_;
  std::string text_;
};

// A label's value with backslash, quotation mark and line end escaped, and no bytes that are not UTF-8.
std::string EscapedLabel(std::string_view value);

}  // namespace passnet::daemon
