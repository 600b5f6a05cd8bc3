// passnetd: the daemon (docs/architecture.md, "Processes").
#include <cstdio>
#include <string>

#include "base/log.h"
#include "command_line/command_line.h"
#include "command_line/exit_code.h"
#include "configs/files.h"
#include "daemon/daemon.h"

namespace passnet::daemon {
namespace {

struct Arguments {
  std::string config;
  bool check = false;
  bool print = false;
};

int Fail(const Error& error) { return command_line::Fail("passnetd", error); }

int Run(const Arguments& arguments) {
  DaemonOptions options;
  if (!arguments.config.empty()) {
    auto read = configs::ReadDaemonFile(arguments.config);
    if (!read) return Fail(read.error());
    options = std::move(read).value();
  }
  if (arguments.print) std::fputs(configs::PrintDaemon(options).c_str(), stdout);
  if (arguments.check && !arguments.print) {
    std::printf("%s is in order\n", arguments.config.empty() ? "the default configuration" : arguments.config.c_str());
  }
  if (arguments.print || arguments.check) return command_line::kExitDone;
  log::SetLevelByName(options.log_level);
  Status ended = RunDaemon(options, {PASSNET_VERSION, PASSNET_GIT}, EvaluatorProcess(options));
  return ended ? command_line::kExitDone : Fail(ended.error());
}

int Main(int argc, char** argv) {
  Arguments arguments;
  command_line::Command program{.name = "",  // the usage line says what the user called
                                .help = "passnetd drives language models through writing compiler passes",
                                .run = [&arguments] { return Run(arguments); }};
  program.options = {
      {"--config", "TOML file, see configs/passnetd.toml; without it the defaults hold", &arguments.config},
      {"--check-config", "names every mistake of the configuration and ends", &arguments.check},
      {"--print-config", "prints all keys with their values and ends", &arguments.print},
  };
  return command_line::Main(program, PASSNET_VERSION " " PASSNET_GIT, argc, argv);
}

}  // namespace
}  // namespace passnet::daemon

int main(int argc, char** argv) { return passnet::daemon::Main(argc, argv); }
