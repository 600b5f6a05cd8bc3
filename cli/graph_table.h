// How reports of graphs are shown to people, and the options that every verb with a lane has.
// Threads: main thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/lane_session.h"
#include "evaluator/api/evaluation.h"

namespace CLI {
class App;
}

namespace passnet::cli {

std::string GraphTable(const std::vector<evaluator::GraphReport>& graphs);

// "1.234", "-" when absent.
std::string ShowNumber(const std::optional<double>& value);

// Bytes from a candidate or a compiler, safe for a terminal: control characters but newline and tab are shown as "?".
std::string Printable(const std::string& bytes);

void AddLaneOptions(CLI::App* verb, LaneFlags* flags);

}  // namespace passnet::cli
