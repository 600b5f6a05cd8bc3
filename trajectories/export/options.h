// What is asked of an export: which trajectories, which of their turns are trained, in which form, into which files.
// Threads: values.
// Source: docs/formats.md, "Export".
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "trajectories/export/evaluation_list.h"
#include "trajectories/export/split.h"
#include "trajectories/export/stored_task.h"

namespace passnet::trajectories {

enum class RowFormat { kOpenAiChat, kShareGpt, kTrlMessages, kTrlPromptCompletion, kTrlPreference };

// "openai-chat", "sharegpt", "trl-messages", …: of the files of rows.
const char* RowFormatName(RowFormat format);

enum class TrainedTurns { kImproving, kWinner, kAll };
const char* TrainedTurnsName(TrainedTurns turns);

struct ExportOptions {
  std::string store_path;
  std::string folder;  // created when missing

  RowFormat format = RowFormat::kOpenAiChat;
  TrainedTurns turns = TrainedTurns::kImproving;
  // The trainer masks every assistant turn but a row's last: one row a trained turn, whatever lies before it. Only for
  // the forms that cannot say a turn's weight.
  bool history_masked = false;
  std::vector<SplitPart> split;  // empty: one file

  std::vector<std::string> campaign_ids;        // empty: all
  std::set<std::string> outcomes = {"solved"};  // of trajectories; empty: any but infra
  // By stored name, from whoever knows verdicts; neither may be empty.
  std::set<std::string> barred_verdicts;
  std::string good_verdict;
  double min_speedup = 1.0;  // over eager, exclusive; 0: no bar
  std::optional<double> min_score;
  bool beats_inductor = false;
  int64_t per_task = 0;  // at most so many trajectories a task; 0: all
  std::optional<int64_t> max_tokens;
  std::set<std::string> excluded_tasks;
  std::vector<EvaluationList> evaluation_lists;
  OpSequencesOf op_sequences;  // empty: those of no task are known

  std::string tool_version;  // goes into the manifest
};

}  // namespace passnet::trajectories
