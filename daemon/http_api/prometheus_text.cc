#include "daemon/http_api/prometheus_text.h"

#include <charconv>
#include <chrono>
#include <cmath>

#include "base/text.h"

namespace passnet::daemon {
namespace {

// The shortest text that reads back as the same number; plain, since the bounds of buckets are compared as texts too.
std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char digits[32];  // the longest has 24
  const bool plain = value == 0 || (std::abs(value) >= 1e-6 && std::abs(value) < 1e15);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::general;
  const auto written = std::to_chars(digits, digits + sizeof digits, value, format);
  return std::string(digits, written.ptr);
}

double SecondsOf(Nanos span) { return std::chrono::duration<double>(span).count(); }

}  // namespace

void PrometheusText::Family(const char* name, const char* type, const char* help) {
  name_ = name;
  text_ += "# HELP " + name_ + " " + help + "\n# TYPE " + name_ + " " + type + "\n";
}

void PrometheusText::Sample(int64_t value, const Labels& labels) { Line("", labels, std::to_string(value)); }

void PrometheusText::Real(double value, const Labels& labels) { Line("", labels, NumberText(value)); }

void PrometheusText::Histogram(const DurationHistogram::Counts& counts) {
  for (const auto& [bound, count] : counts.at_most) {
    Line("_bucket", {{"le", NumberText(SecondsOf(bound))}}, std::to_string(count));
  }
  Line("_bucket", {{"le", "+Inf"}}, std::to_string(counts.all));
  Line("_sum", {}, NumberText(SecondsOf(counts.sum)));
  Line("_count", {}, std::to_string(counts.all));
}

void PrometheusText::Line(std::string_view suffix, const Labels& labels, const std::string& value) {
  text_ += name_;
  text_ += suffix;
  char before = '{';
  for (const auto& [label, content] : labels) {
    text_ += before + label + "=\"" + EscapedLabel(content) + "\"";
    before = ',';
  }
  text_ += (labels.empty() ? " " : "} ") + value + "\n";
}

std::string EscapedLabel(std::string_view value) {
  std::string escaped;
  for (char c : ReplaceInvalidUtf8(value)) {
    if (c == '\\' || c == '"') escaped += '\\';
    if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace passnet::daemon
