// passnet export: trajectories as training data.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "evaluator/api/evaluation.h"
#include "trajectories/export/openai_chat.h"

namespace passnet::cli {
namespace {

// A list of task names; the 200 of PassBench take 10 KiB.
constexpr size_t kMaxTaskListBytes = size_t{16} << 20;

struct ExportFlags {
  std::string format, out, db;
  std::vector<std::string> campaigns, outcomes = {"solved"}, exclude_tasks;
  std::optional<double> min_score;
  std::optional<int64_t> max_tokens;
  bool best_only = false, json = false;
};

Result<trajectories::ExportOptions> OptionsOf(const ExportFlags& flags) {
  trajectories::ExportOptions options;
  options.store_path = flags.db;
  options.folder = flags.out;
  options.campaign_ids = flags.campaigns;
  options.outcomes = {flags.outcomes.begin(), flags.outcomes.end()};
  if (options.outcomes.contains("any")) options.outcomes.clear();
  options.min_score = flags.min_score;
  options.best_only = flags.best_only;
  options.max_tokens = flags.max_tokens;
  for (std::string& name : evaluator::VerdictsBarredFromTraining()) options.barred_verdicts.insert(std::move(name));
  options.tool_version = PASSNET_VERSION;
  for (const std::string& path : flags.exclude_tasks) {
    ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxTaskListBytes));
    options.excluded_tasks.merge(trajectories::ParseTaskList(text));
  }
  return options;
}

std::string Json(const trajectories::ExportSummary& summary) {
  nlohmann::ordered_json json;
  json["schema"] = "passnet.export/1";
  json["format"] = "openai-chat";
  json["rows_path"] = summary.rows_path;
  json["manifest_path"] = summary.manifest_path;
  json["sha256"] = summary.sha256;
  json["rows"] = summary.rows;
  json["trajectories"] = summary.trajectories;
  json["exported"] = summary.exported;
  json["excluded"] = summary.excluded;
  return json.dump();
}

void Print(const trajectories::ExportSummary& summary) {
  std::printf("%lld rows from %lld of %lld trajectories\n", static_cast<long long>(summary.rows),
              static_cast<long long>(summary.exported), static_cast<long long>(summary.trajectories));
  for (const auto& [reason, count] : summary.excluded) {
    std::printf("  left out: %s %lld\n", reason.c_str(), static_cast<long long>(count));
  }
  std::printf("%s\n%s\n", summary.rows_path.c_str(), summary.manifest_path.c_str());
}

int Run(const ExportFlags& flags) {
  auto options = OptionsOf(flags);
  if (!options) return Fail(options.error());
  auto summary = trajectories::ExportOpenAiChat(options.value());
  if (!summary) return Fail(summary.error());
  if (flags.json) {
    std::printf("%s\n", Json(summary.value()).c_str());
  } else {
    Print(summary.value());
  }
  return kExitDone;
}

}  // namespace

void AddExportVerb(CLI::App& app, std::function<int()>* run) {
  auto flags = std::make_shared<ExportFlags>();
  CLI::App* verb = app.add_subcommand("export", "write trajectories as fine-tuning data");
  verb->footer("Example:\n"
               "  passnet export --format openai-chat --db passnet.db --out sft --min-score 1.05 --best-only");
  verb->add_option("--format", flags->format, "openai-chat: JSON lines with messages and assistant weights")
      ->required()->check(CLI::IsMember({"openai-chat"}));
  verb->add_option("--db", flags->db, "the journal (a daemon may be writing it)")->required();
  verb->add_option("--out", flags->out, "folder for the rows and manifest.json; created when missing")->required();
  verb->add_option("--campaign", flags->campaigns, "only these campaigns; may be repeated");
  verb->add_option("--outcome", flags->outcomes, "of trajectories; may be repeated; any: all but infra")
      ->capture_default_str();
  verb->add_option("--min-score", flags->min_score, "final score at least");
  verb->add_flag("--best-only", flags->best_only, "the best trajectory of each task");
  verb->add_option("--max-tokens", flags->max_tokens, "rows of at most so many tokens, as the provider counted")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--exclude-tasks", flags->exclude_tasks,
                   "file with one task name a line: an evaluation split; may be repeated");
  verb->add_flag("--json", flags->json, "one object (passnet.export/1) as the last line");
  verb->callback([flags, run] { *run = [flags] { return Run(*flags); }; });
}

}  // namespace passnet::cli
