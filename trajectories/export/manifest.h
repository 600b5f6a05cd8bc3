// manifest.json, beside the rows: whence they are, what was asked, what was left out and why.
// Threads: pure functions; ReadSources blocks as Reader does.
// Errors: those of Reader; kDataCorrupt for a campaign whose launch cannot be read.
// Source: docs/formats.md, "The manifest".
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "trajectories/export/export.h"
#include "trajectories/reader.h"

namespace passnet::trajectories {

// The campaigns with their heads and prices.
Result<Json> ReadSources(Reader* reader, const std::vector<CampaignState>& campaigns);

std::string ManifestText(const ExportOptions& options, const ExportSummary& summary, Json sources, Json row_index);

}  // namespace passnet::trajectories
