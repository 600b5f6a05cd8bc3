// A verb of `passnet`: each cli/<verb>.cc registers its options with CLI11 and returns what to run after parsing.
// Threads: main thread only. Exit codes (contract, docs/contracts.md, "Exit codes"): 0 done, 2 usage or bad input,
// 3 infrastructure failure, 4 verification failed.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace passnet::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitInfrastructure = 3;
inline constexpr int kExitVerification = 4;

// Adds a sub-command to `app`. When the user chose it, `*run` is set to what main() then calls for the exit code.
using VerbFn = void (*)(CLI::App& app, std::function<int()>* run);

void AddTaskVerb(CLI::App& app, std::function<int()>* run);
void AddScoreVerb(CLI::App& app, std::function<int()>* run);
void AddEvalVerb(CLI::App& app, std::function<int()>* run);
void AddBaselineVerb(CLI::App& app, std::function<int()>* run);
void AddDoctorVerb(CLI::App& app, std::function<int()>* run);
void AddCampaignVerb(CLI::App& app, std::function<int()>* run);
void AddTrajectoryVerb(CLI::App& app, std::function<int()>* run);
void AddVerifyVerb(CLI::App& app, std::function<int()>* run);
void AddExportVerb(CLI::App& app, std::function<int()>* run);
void AddConfigVerb(CLI::App& app, std::function<int()>* run);

}  // namespace passnet::cli
