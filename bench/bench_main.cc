#include "bench/bench_main.h"

#include <cstdio>
#include <string>

#include "bench/synthetic_task.h"

namespace passnet::bench {

int Main(const char* name, const char* help, std::vector<command_line::Option> options,
         const std::function<int(bool json)>& run, int argc, char** argv) {
  const std::string program = std::string("bench_") + name;
  bool json = false;
  options.insert(options.begin(), {"--json", "passnet.bench/1 as the last line", &json});
  return command_line::Main({.name = program.c_str(), .help = help, .options = std::move(options), .run = [&] { return run(json); }},
                            nullptr, argc, argv);
}

command_line::Option CountOption(const char* name, const char* help, int* value) {
  return {.name = name, .help = help, .value = value, .show_default = true,
          .allowed = command_line::Integers{1, 1'000'000}};
}

std::unique_ptr<evaluator::LaneClient> StartLane() {
  evaluator::LaneClientOptions options;
  options.cache_dir = CacheDir();
  auto lane = evaluator::StartLane(options, Deadline::After(std::chrono::minutes(3)));
  if (!lane) {
    std::fprintf(stderr, "no lane: %s\n", lane.error().context.c_str());
    return nullptr;
  }
  return std::move(lane).value();
}

}  // namespace passnet::bench
