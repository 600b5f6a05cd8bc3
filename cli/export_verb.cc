// passnet export: trajectories as training data.
#include <cstdio>
#include <memory>
#include <set>

#include "base/file.h"
#include "base/json.h"
#include "cli/output.h"
#include "cli/task_marks.h"
#include "cli/verb.h"
#include "evaluator/api/evaluation.h"
#include "trajectories/export/export.h"

namespace passnet::cli {
namespace {

using trajectories::ExportOptions;
using trajectories::ExportSummary;
using trajectories::RowFormat;
using trajectories::TrainedTurns;

// A list of task names; the 200 of PassBench take 10 KiB.
constexpr size_t kMaxTaskListBytes = size_t{16} << 20;

struct ExportFlags {
  std::string format, trl_form, out, db, turns = "improving", split, beats;
  std::vector<std::string> campaigns, outcomes = {"solved"}, exclude_tasks, decontaminate;
  double min_speedup = 1;
  std::optional<double> min_score;
  std::optional<int64_t> max_tokens, per_task;
  bool best_of = false, history_masked = false, allow_passbench = false, json = false;
};

// What a reason means, and which option takes such trajectories in.
struct ReasonText {
  const char* reason;
  const char* text;
};
constexpr ReasonText kReasons[] = {
    {"not_finished", "still running: export again when it has ended"},
    {"infra", "ended for a failure on our side"},
    {"unreadable", "bytes that cannot be read; the manifest says which"},
    {"integrity", "a report with a verdict that bars from training"},
    {"excluded_task", "named by --exclude-tasks"},
    {"contaminated_name", "an evaluation task by its name; --allow-passbench for PassBench's own"},
    {"contaminated_content", "the files of an evaluation task; --allow-passbench for PassBench's own"},
    {"contaminated_ops", "the op sequence of an evaluation task; --allow-passbench for PassBench's own"},
    {"outcome", "not among --outcome; --outcome any takes all but infra"},
    {"no_winner", "nothing of it was ever measured at the end"},
    {"min_score", "below --min-score"},
    {"not_faster", "not above --min-speedup over eager; --min-speedup 0 takes slower ones"},
    {"not_above_start", "started from an earlier one's best, and ended with the same or nothing better"},
    {"baseline_unknown", "TorchInductor's figure is not known; without --beats it is not asked for"},
    {"baseline_not_beaten", "TorchInductor is as good or better"},
    {"duplicate", "the same candidate as a better one, comments and blanks apart"},
    {"not_best", "others of its task are better; --per-task takes more of them"},
    {"max_tokens", "longer than --max-tokens"},
    {"tokens_unknown", "the provider gave no counts; only without --max-tokens"},
    {"untrained_turns", "the form has no weights; --trl-form prompt-completion or --history-masked"},
    {"not_expressible", "tools or turns that the form has no words for; --format openai-chat"},
    {"no_pair", "no other answer to one of its prompts was measured clearly worse"},
};

const char* TextOf(const std::string& reason) {
  for (const ReasonText& one : kReasons) {
    if (reason == one.reason) return one.text;
  }
  return "";
}

Result<RowFormat> FormatOf(const ExportFlags& flags) {
  if (flags.format != "trl" && !flags.trl_form.empty()) {
    return InvalidArgument("--trl-form goes with --format trl, not with " + flags.format);
  }
  if (flags.format == "openai-chat") return RowFormat::kOpenAiChat;
  if (flags.format == "sharegpt") return RowFormat::kShareGpt;
  if (flags.trl_form == "messages") return RowFormat::kTrlMessages;
  if (flags.trl_form == "preference") return RowFormat::kTrlPreference;
  return RowFormat::kTrlPromptCompletion;
}

TrainedTurns TurnsOf(const std::string& turns) {
  if (turns == "winner") return TrainedTurns::kWinner;
  return turns == "all" ? TrainedTurns::kAll : TrainedTurns::kImproving;
}

Status ReadLists(const ExportFlags& flags, ExportOptions* options) {
  for (const std::string& path : flags.exclude_tasks) {
    ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxTaskListBytes));
    options->excluded_tasks.merge(trajectories::ParseTaskList(text));
  }
  if (!flags.allow_passbench) options->evaluation_lists.push_back(trajectories::PassBenchEvaluationTasks());
  for (const std::string& path : flags.decontaminate) {
    ASSIGN_OR_RETURN(auto list, EvaluationListAt(path));
    options->evaluation_lists.push_back(std::move(list));
  }
  return OkStatus();
}

Result<ExportOptions> OptionsOf(const ExportFlags& flags) {
  ExportOptions options;
  options.store_path = flags.db;
  options.folder = flags.out;
  ASSIGN_OR_RETURN(options.format, FormatOf(flags));
  options.turns = TurnsOf(flags.turns);
  options.history_masked = flags.history_masked;
  const bool has_weights = options.format == RowFormat::kOpenAiChat || options.format == RowFormat::kTrlPreference;
  if (flags.history_masked && has_weights) {
    return InvalidArgument("--history-masked is for forms without weights: --format sharegpt, --trl-form messages");
  }
  if (!flags.split.empty()) {
    ASSIGN_OR_RETURN(options.split, trajectories::ParseSplit(flags.split));
  }
  options.campaign_ids = flags.campaigns;
  options.outcomes = {flags.outcomes.begin(), flags.outcomes.end()};
  if (options.outcomes.contains("any")) options.outcomes.clear();
  options.min_speedup = flags.min_speedup;
  options.min_score = flags.min_score;
  options.beats_inductor = flags.beats == "inductor";
  options.per_task = flags.best_of ? 1 : flags.per_task.value_or(0);
  options.max_tokens = flags.max_tokens;
  for (std::string& name : evaluator::VerdictsBarredFromTraining()) options.barred_verdicts.insert(std::move(name));
  options.good_verdict = evaluator::VerdictName(evaluator::Verdict::kOk);
  options.op_sequences = OpSequencesOfStored;
  options.tool_version = PASSNET_VERSION;
  RETURN_IF_ERROR(ReadLists(flags, &options));
  return options;
}

Json CountsOf(const std::map<std::string, std::vector<std::string>>& by_reason) {
  Json counts = Json::MakeObject();
  for (const auto& [reason, ids] : by_reason) counts.Set(reason, ids.size());
  return counts;
}

Json ToJson(const ExportOptions& options, const ExportSummary& summary) {
  Json files = Json::MakeArray();
  for (const auto& file : summary.files) {
    files.Push({{"path", file.path},
                {"part", OrNull(std::string_view(file.part))},
                {"rows", file.rows},
                {"sha256", file.sha256}});
  }
  return {{"schema", "passnet.export/2"},
          {"format", trajectories::RowFormatName(options.format)},
          {"files", std::move(files)},
          {"manifest_path", summary.manifest_path},
          {"rows", summary.rows},
          {"trajectories", summary.trajectories},
          {"exported", summary.exported},
          {"excluded", CountsOf(summary.left_out.trajectories)},
          {"excluded_rows", CountsOf(summary.left_out.rows)},
          {"tasks", summary.tasks},
          {"op_sequences_unknown", summary.tasks_unknown.size()}};
}

void PrintLeftOut(const trajectories::Exclusions& left_out) {
  std::set<std::string> reasons;
  for (const auto& [reason, ids] : left_out.trajectories) reasons.insert(reason);
  for (const auto& [reason, ids] : left_out.rows) reasons.insert(reason);
  if (reasons.empty()) return;
  const auto count = [](const auto& by_reason, const std::string& reason) {
    const auto found = by_reason.find(reason);
    return found == by_reason.end() ? std::string("-") : std::to_string(found->second.size());
  };
  Table table({"left out", "trajectories", "rows of others", "why"});
  for (const std::string& reason : reasons) {
    table.Add({reason, count(left_out.trajectories, reason), count(left_out.rows, reason), TextOf(reason)});
  }
  std::printf("\n%s", table.Text(kScreenColumns).c_str());
}

void Print(const ExportSummary& summary) {
  std::printf("%lld rows from %lld of %lld trajectories on %lld tasks\n\n", static_cast<long long>(summary.rows),
              static_cast<long long>(summary.exported), static_cast<long long>(summary.trajectories),
              static_cast<long long>(summary.tasks));
  Table files({"file", "rows", "sha256"});
  for (const auto& file : summary.files) files.Add({file.path, std::to_string(file.rows), file.sha256});
  std::printf("%s", files.Text().c_str());
  PrintLeftOut(summary.left_out);
  if (!summary.tasks_unknown.empty()) {
    std::printf("\n%zu of %lld tasks have no known op sequence (%s: %s): compared by name and content alone\n",
                summary.tasks_unknown.size(), static_cast<long long>(summary.tasks),
                summary.tasks_unknown.front().first.c_str(), summary.tasks_unknown.front().second.c_str());
  }
  if (summary.rows == 0) std::printf("\nNothing was exported: the table says which option takes trajectories in.\n");
  std::printf("\nEvery trajectory that was left out is named in %s\n", summary.manifest_path.c_str());
}

int Run(const ExportFlags& flags) {
  auto options = OptionsOf(flags);
  if (!options) return Fail(options.error());
  auto summary = trajectories::Export(options.value());
  if (!summary) return Fail(summary.error());
  if (flags.json) {
    std::printf("%s\n", ToJson(options.value(), summary.value()).Dump().c_str());
  } else {
    Print(summary.value());
  }
  return kExitDone;
}

std::vector<Option> FormOptions(ExportFlags* flags) {
  return {
      {.name = "--format", .help = "openai-chat: messages with assistant weights; sharegpt: conversations; trl",
       .value = &flags->format, .required = true, .allowed = OneOf{{"openai-chat", "sharegpt", "trl"}}},
      {.name = "--trl-form", .help = "of --format trl; prompt-completion (the default) trains exactly the named turns",
       .value = &flags->trl_form, .allowed = OneOf{{"messages", "prompt-completion", "preference"}}},
      {.name = "--db", .help = "the journal (a daemon may be writing it)", .value = &flags->db, .required = true},
      {.name = "--out", .help = "folder for the rows and manifest.json; created when missing", .value = &flags->out,
       .required = true},
      {.name = "--turns", .help = "trained are the winning turn and earlier ones that improved; it alone; all up to it",
       .value = &flags->turns, .show_default = true, .allowed = OneOf{{"improving", "winner", "all"}}},
      {"--history-masked", "sharegpt, trl messages: the trainer masks all but a row's last turn; one row a trained turn",
       &flags->history_masked},
      {"--split", "parts by op sequence, one file each: train=0.9,validation=0.1", &flags->split},
      {"--json", "one object (passnet.export/2) as the last line", &flags->json},
  };
}

std::vector<Option> ChoiceOptions(ExportFlags* flags) {
  return {
      {"--campaign", "only these campaigns; may be repeated", &flags->campaigns},
      {.name = "--outcome", .help = "of trajectories; may be repeated; any: all but infra", .value = &flags->outcomes,
       .show_default = true},
      {.name = "--min-speedup", .help = "final speed-up over eager above this; 0: slower ones too",
       .value = &flags->min_speedup, .show_default = true, .allowed = NotNegative()},
      {"--min-score", "final score at least", &flags->min_score},
      {.name = "--beats", .help = "only where the task's TorchInductor figure is known and beaten",
       .value = &flags->beats, .allowed = OneOf{{"inductor"}}},
      {"--best-of", "the best trajectory of each task", &flags->best_of},
      {.name = "--per-task", .help = "at most so many trajectories of a task, the best", .value = &flags->per_task,
       .allowed = command_line::Integers{1, 1'000'000}, .excludes = "--best-of"},
      {.name = "--max-tokens", .help = "rows of at most so many tokens, as the provider counted",
       .value = &flags->max_tokens, .allowed = NotNegative()},
      {"--exclude-tasks", "file with one task name a line; may be repeated", &flags->exclude_tasks},
      {"--decontaminate", "folder of evaluation tasks, or file of their marks (`passnet task marks`); may be repeated",
       &flags->decontaminate},
      {"--allow-passbench", "also tasks of PassBench's own evaluation set, which are left out otherwise",
       &flags->allow_passbench},
  };
}

}  // namespace

Command ExportVerb() {
  auto flags = std::make_shared<ExportFlags>();
  Command verb{
      .name = "export",
      .help = "write trajectories as fine-tuning data",
      .footer = "Examples:\n"
                "  passnet export --format openai-chat --db passnet.db --out sft\n"
                "  passnet export --format openai-chat --db passnet.db --out sft --min-speedup 1.2 --beats inductor "
                "--per-task 2\n"
                "  passnet export --format trl --db passnet.db --out sft --split train=0.9,validation=0.1 "
                "--decontaminate heldout/\n"
                "  passnet export --format trl --trl-form preference --db passnet.db --out dpo\n"
                "  passnet export --format sharegpt --history-masked --turns winner --db passnet.db --out lf",
      .run = [flags] { return Run(*flags); }};
  verb.options = FormOptions(flags.get());
  Append(&verb.options, ChoiceOptions(flags.get()));
  return verb;
}

}  // namespace passnet::cli
