#include "bench/bench_main.h"

#include <string>

#include "bench/synthetic_task.h"
#include "command_line/exit_code.h"

namespace passnet::bench {

int Main(const char* name, const char* help, std::vector<command_line::Option> options,
         const std::function<Result<BenchReport>()>& measure, int argc, char** argv) {
  const std::string program = std::string("bench_") + name;
  bool json = false;
  options.insert(options.begin(), {"--json", "passnet.bench/1 as the last line", &json});
  const auto run = [&] {
    const auto report = measure();
    if (!report) return command_line::Fail(program, report.error());
    report->Print(json);
    return command_line::kExitDone;
  };
  return command_line::Main({.name = program.c_str(), .help = help, .options = std::move(options), .run = run}, nullptr,
                            argc, argv);
}

command_line::Option CountOption(const char* name, const char* help, int* value) {
  return {.name = name, .help = help, .value = value, .show_default = true,
          .allowed = command_line::Integers{1, 1'000'000}};
}

std::vector<command_line::Option> LaneOptions(LaneChoice* choice) {
  return {{.name = "--device", .help = "cpu, cuda:N or cuda:GPU-UUID", .value = &choice->device, .show_default = true},
          {"--stand-in", "a library in the place of CUDA's driver, to try the bench itself", &choice->stand_in}};
}

Result<std::unique_ptr<evaluator::LaneClient>> StartLane(const LaneChoice& choice) {
  evaluator::LaneClientOptions options;
  options.cache_dir = CacheDir();
  options.device = choice.device;
  options.further = choice.Further();
  return evaluator::StartLane(options, Deadline::After(std::chrono::minutes(3)));
}

}  // namespace passnet::bench
