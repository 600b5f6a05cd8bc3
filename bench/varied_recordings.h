// Recorded conversations for many samples of many tasks: each turn's reply holds marks that the request's seed decides
// (docs/recorded_llm.md), so that samples differ in their code, their verdicts and their speed-ups, and two runs agree.
// The fake lane (tests/fakes/fake_lane.h) finds verdict and speed-up in the written ones' plan.json.
// Threads: thread-safe, blocking. Errors: those of writing files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace passnet::bench {

// One folder a task below `folder`, each with `turns` turns of about 900 bytes.
Status WriteVariedRecordings(const std::filesystem::path& folder, const std::vector<std::string>& tasks, int turns);

// The demo's conversations with real passes (recorded_llm/demo), of `turns` turns each: the last recorded one again where
// there are fewer. Each sample's files have bytes of their own, so that none is known from another.
Status WriteDemoRecordings(const std::filesystem::path& folder, const std::vector<std::string>& tasks, int turns);

// The honest passes of `passes` (a folder of a pass folder a task), a reply of their files each, `turns` times.
Status WritePassRecordings(const std::filesystem::path& folder, const std::filesystem::path& passes,
                           const std::vector<std::string>& tasks, int turns);

}  // namespace passnet::bench
