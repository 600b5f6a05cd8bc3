// Recorded conversations for many samples of many tasks: each turn's reply holds marks that the request's seed decides
// (docs/recorded_llm.md), so that samples differ in their code, their verdicts and their speed-ups, and two runs agree.
// The fake lane (tests/fakes/fake_lane.h) finds verdict and speed-up in the candidate's plan.json.
// Threads: thread-safe, blocking. Errors: those of writing files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace passnet::bench {

// One folder a task below `folder`, each with `turns` turns of about 900 bytes.
Status WriteVariedRecordings(const std::filesystem::path& folder, const std::vector<std::string>& tasks, int turns);

}  // namespace passnet::bench
