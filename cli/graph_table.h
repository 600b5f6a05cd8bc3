// How reports of graphs are shown to people.
// Threads: main thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evaluator/api/evaluation.h"

namespace passnet::cli {

// A line a graph, or a few: 120 columns, long reasons cut (they are whole in --json).
std::string GraphTable(const std::vector<evaluator::GraphReport>& graphs);

// "1.234", "-" when absent.
std::string ShowNumber(const std::optional<double>& value);

// "1.31 ±0.02": a ratio and half the width of its interval, which is given relative to it. "-" when absent.
std::string ShowRatio(const std::optional<double>& ratio, const std::optional<double>& noise);

// Bytes from a candidate or a compiler, safe for a terminal: control characters but newline and tab are shown as "?".
std::string Printable(const std::string& bytes);

}  // namespace passnet::cli
