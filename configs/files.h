// The configuration files of the product: the daemon's and a campaign's.
// Threads: blocking functions.
// Errors: as configs/toml_fields.h.
#pragma once

#include <functional>
#include <string>

#include "agent/campaign/spec.h"
#include "base/result.h"
#include "daemon/options.h"

namespace passnet::configs {

// Relative paths in the file are relative to its folder.
Result<daemon::DaemonOptions> ReadDaemonFile(const std::string& path);
// `amend` (may be empty) sets what is said beside the file, before the whole is checked.
Result<agent::CampaignSpec> ReadCampaignFile(const std::string& path, const std::function<void(agent::CampaignSpec&)>& amend = {});

std::string PrintDaemon(daemon::DaemonOptions options);
std::string PrintCampaign(agent::CampaignSpec spec);

// Which of the two a file is: a campaign names a model or tasks.
enum class FileKind { kDaemon, kCampaign };
Result<FileKind> KindOfFile(const std::string& path);

}  // namespace passnet::configs
