// passnet config check | print: configuration files of the daemon and of campaigns, without a daemon.
#include <cstdio>
#include <memory>
#include <string>

#include "agent/campaign/spec.h"
#include "base/json.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "configs/files.h"

namespace passnet::cli {
namespace {

struct ConfigFlags {
  std::string file;
  bool json = false;
};

struct Configuration {
  std::string kind;
  std::string toml;
  Json values;
};

Result<Configuration> Read(const std::string& file) {
  ASSIGN_OR_RETURN(configs::FileKind kind, configs::KindOfFile(file));
  if (kind == configs::FileKind::kCampaign) {
    ASSIGN_OR_RETURN(agent::CampaignSpec spec, configs::ReadCampaignFile(file));
    Json values = WriteFields([&](FieldVisitor& fields) { VisitFields(fields, spec); });
    return Configuration{"campaign", configs::PrintCampaign(spec), std::move(values)};
  }
  ASSIGN_OR_RETURN(daemon::DaemonOptions options, configs::ReadDaemonFile(file));
  Json values = WriteFields([&](FieldVisitor& fields) { VisitFields(fields, options); });
  return Configuration{"daemon", configs::PrintDaemon(options), std::move(values)};
}

int Run(const ConfigFlags& flags, bool print) {
  auto read = Read(flags.file);
  if (!read) return Fail(read.error());
  const Configuration& configuration = read.value();
  if (flags.json) {
    const Json out = {{"schema", "passnet.config/1"},
                      {"file", flags.file},
                      {"kind", configuration.kind},
                      {"values", configuration.values}};
    std::printf("%s\n", out.Dump().c_str());
  } else if (print) {
    std::fputs(configuration.toml.c_str(), stdout);
  } else {
    std::printf("%s is in order (a %s configuration)\n", flags.file.c_str(), configuration.kind.c_str());
  }
  return kExitDone;
}

Command SubVerb(const char* name, const char* help, bool print) {
  auto flags = std::make_shared<ConfigFlags>();
  Command verb{.name = name, .help = help, .run = [flags, print] { return Run(*flags, print); }};
  verb.options = {
      {.name = "file", .help = "a TOML file for passnetd or for a campaign", .value = &flags->file,
       .required = true},
      {"--json", "the values as the last line of standard output", &flags->json},
  };
  return verb;
}

}  // namespace

Command ConfigVerb() {
  return {.name = "config",
          .help = "check and print configuration files",
          .footer = "Examples:\n"
                    "  passnet config check my-campaign.toml\n"
                    "  passnet config print configs/passnetd.toml",
          .verbs = {SubVerb("check", "name every mistake of a file, with its line and key", false),
                    SubVerb("print", "show all keys of a file with their values", true)}};
}

}  // namespace passnet::cli
