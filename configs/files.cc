#include "configs/files.h"

#include <filesystem>
#include <toml++/toml.h>

#include "base/file.h"
#include "configs/toml_fields.h"

namespace passnet::configs {
namespace {

namespace fs = std::filesystem;

void MakeAbsolute(const std::string& file, std::string* path) {
  if (path->empty() || fs::path(*path).is_absolute()) return;
  *path = (fs::absolute(file).parent_path() / *path).lexically_normal().native();
}

}  // namespace

Result<daemon::DaemonOptions> ReadDaemonFile(const std::string& path) {
  daemon::DaemonOptions options;
  RETURN_IF_ERROR(ReadToml(
      path, [&](FieldVisitor& fields) { VisitFields(fields, options); }, [&] { return Check(options); }));
  for (std::string* file : {&options.journal, &options.head_log, &options.http.port_file, &options.http.token_file,
                            &options.lane.evaluator_binary, &options.lane.cache_dir, &options.lane.nvcc}) {
    MakeAbsolute(path, file);
  }
  for (agent::EndpointConfig& endpoint : options.endpoints) MakeAbsolute(path, &endpoint.ca_file);
  return options;
}

Result<agent::CampaignSpec> ReadCampaignFile(const std::string& path,
                                             const std::function<void(agent::CampaignSpec&)>& amend) {
  agent::CampaignSpec spec;
  const auto check = [&] {
    if (amend) amend(spec);
    return CheckLaunch(spec);
  };
  RETURN_IF_ERROR(ReadToml(path, [&](FieldVisitor& fields) { VisitFields(fields, spec); }, check));
  for (std::string* place : {&spec.tasks.path, &spec.tasks.list, &spec.tasks.glob}) MakeAbsolute(path, place);
  MakeAbsolute(path, &spec.prompts);
  return spec;
}

std::string PrintDaemon(daemon::DaemonOptions options) {
  return WriteToml([&](FieldVisitor& fields) { VisitFields(fields, options); });
}

std::string PrintCampaign(agent::CampaignSpec spec) {
  return WriteToml([&](FieldVisitor& fields) { VisitFields(fields, spec); });
}

Result<FileKind> KindOfFile(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, ReadFile(path, 1 << 20));
  try {
    toml::table root = toml::parse(text, path);
    bool campaign = root.contains("tasks") || root.contains("sampling") || root.contains("endpoint");
    return campaign ? FileKind::kCampaign : FileKind::kDaemon;
  } catch (const toml::parse_error& error) {
    return InvalidArgument(path + ":" + std::to_string(error.source().begin.line) + ": " +
                           std::string(error.description()));
  }
}

}  // namespace passnet::configs
