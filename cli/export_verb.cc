// passnet export: trajectories as training data.
#include <cstdio>
#include <memory>

#include "base/file.h"
#include "base/json.h"
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

Json ToJson(const trajectories::ExportSummary& summary) {
  return {{"schema", "passnet.export/1"},
          {"format", "openai-chat"},
          {"rows_path", summary.rows_path},
          {"manifest_path", summary.manifest_path},
          {"sha256", summary.sha256},
          {"rows", summary.rows},
          {"trajectories", summary.trajectories},
          {"exported", summary.exported},
          {"excluded", summary.excluded}};
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
    std::printf("%s\n", ToJson(summary.value()).Dump().c_str());
  } else {
    Print(summary.value());
  }
  return kExitDone;
}

}  // namespace

Command ExportVerb() {
  auto flags = std::make_shared<ExportFlags>();
  Command verb{
      .name = "export",
      .help = "write trajectories as fine-tuning data",
      .footer = "Example:\n"
                "  passnet export --format openai-chat --db passnet.db --out sft --min-score 1.05 --best-only",
      .run = [flags] { return Run(*flags); }};
  verb.options = {
      {.name = "--format", .help = "openai-chat: JSON lines with messages and assistant weights",
       .value = &flags->format, .required = true, .allowed = OneOf{{"openai-chat"}}},
      {.name = "--db", .help = "the journal (a daemon may be writing it)", .value = &flags->db, .required = true},
      {.name = "--out", .help = "folder for the rows and manifest.json; created when missing", .value = &flags->out,
       .required = true},
      {"--campaign", "only these campaigns; may be repeated", &flags->campaigns},
      {.name = "--outcome", .help = "of trajectories; may be repeated; any: all but infra", .value = &flags->outcomes,
       .show_default = true},
      {"--min-score", "final score at least", &flags->min_score},
      {"--best-only", "the best trajectory of each task", &flags->best_only},
      {.name = "--max-tokens", .help = "rows of at most so many tokens, as the provider counted",
       .value = &flags->max_tokens, .allowed = NotNegative()},
      {"--exclude-tasks", "file with one task name a line: an evaluation split; may be repeated",
       &flags->exclude_tasks},
      {"--json", "one object (passnet.export/1) as the last line", &flags->json},
  };
  return verb;
}

}  // namespace passnet::cli
