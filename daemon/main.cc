// passnetd: the daemon (docs/architecture.md, "Processes").
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "base/log.h"
#include "configs/files.h"
#include "daemon/daemon.h"

namespace passnet::daemon {
namespace {

constexpr int kExitUsage = 2;  // docs/contracts.md, "Exit codes"
constexpr int kExitInfrastructure = 3;

int Fail(const Error& error) {
  std::fprintf(stderr, "passnetd: %s\n", error.context.c_str());
  bool usage = error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kNotFound;
  return usage ? kExitUsage : kExitInfrastructure;
}

int Main(int argc, char** argv) {
  CLI::App app("passnetd drives language models through writing compiler passes");
  std::string config;
  bool check = false;
  bool print = false;
  app.add_option("--config", config, "TOML file, see configs/passnetd.toml; without it the defaults hold");
  app.add_flag("--check-config", check, "names every mistake of the configuration and ends");
  app.add_flag("--print-config", print, "prints all keys with their values and ends");
  app.set_version_flag("--version", PASSNET_VERSION " " PASSNET_GIT);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  DaemonOptions options;
  if (!config.empty()) {
    auto read = configs::ReadDaemonFile(config);
    if (!read) return Fail(read.error());
    options = std::move(read).value();
  }
  if (print) std::fputs(configs::PrintDaemon(options).c_str(), stdout);
  if (check && !print) std::printf("%s is in order\n", config.empty() ? "the default configuration" : config.c_str());
  if (print || check) return 0;
  log::SetLevelByName(options.log_level);
  Status ended = RunDaemon(options, {PASSNET_VERSION, PASSNET_GIT}, EvaluatorProcess(options));
  return ended ? 0 : Fail(ended.error());
}

}  // namespace
}  // namespace passnet::daemon

int main(int argc, char** argv) { return passnet::daemon::Main(argc, argv); }
