// What the main() of a program of bench/ needs beside its measurement: the command line and a lane.
// Threads: main thread only. Errors: Main tells them on standard error.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/bench_report.h"
#include "bench/lane_choice.h"
#include "command_line/command_line.h"
#include "evaluator/client/lane_client.h"

namespace passnet::bench {

// Parses --json and `options`, measures, prints, and gives the exit code. `name` as in `./dev bench NAME`.
int Main(const char* name, const char* help, std::vector<command_line::Option> options,
         const std::function<Result<BenchReport>()>& measure, int argc, char** argv);

// An option's place for a count that must be 1 at least.
command_line::Option CountOption(const char* name, const char* help, int* value);

std::vector<command_line::Option> LaneOptions(LaneChoice* choice);

// A warm lane of this build, its caches in the build folder.
Result<std::unique_ptr<evaluator::LaneClient>> StartLane(const LaneChoice& choice = {});

}  // namespace passnet::bench
