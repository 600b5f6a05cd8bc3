// A strict reader of Prometheus' text format, for tests: everything that a scraper, or a linter of such pages, would object
// to is an Error that names the line.
// Threads: pure functions. Errors: kInvalidArgument.
// Source: https://prometheus.io/docs/instrumenting/exposition_formats, text format 0.0.4; /docs/practices/naming.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace passnet {

struct PrometheusPage {
  std::map<std::string, std::string> types;  // by family
  // By series as `name{label="value",…}`, labels in the order of the page, values as they are after unescaping.
  std::map<std::string, double> samples;
};

// Beyond the grammar: each family once, with HELP, TYPE and then its samples; no series twice; counters end in _total and
// are not negative; a histogram's bounds and counts rise, and its last bucket is its count.
Result<PrometheusPage> ReadPrometheus(std::string_view text);

}  // namespace passnet
