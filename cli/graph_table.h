// How reports of graphs are shown to people.
// Threads: main thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evaluator/api/evaluation.h"

namespace passnet::cli {

std::string GraphTable(const std::vector<evaluator::GraphReport>& graphs);

// "1.234", "-" when absent.
std::string ShowNumber(const std::optional<double>& value);

// Bytes from a candidate or a compiler, safe for a terminal: control characters but newline and tab are shown as "?".
std::string Printable(const std::string& bytes);

}  // namespace passnet::cli
