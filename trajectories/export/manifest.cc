#include "trajectories/export/manifest.h"

#include <utility>

#include "base/sha256.h"
#include "trajectories/verify.h"

namespace passnet::trajectories {
namespace {

// Trainers refuse fewer (docs/formats.md).
constexpr int64_t kFewestExamples = 10;

Json List(const std::set<std::string>& texts) { return Json(Json::Array(texts.begin(), texts.end())); }

// Pinned by the campaign's first event.
Result<Json> PricesOf(Reader* reader, const CampaignState& campaign) {
  ASSIGN_OR_RETURN(auto launch, reader->Events({.campaign_id = campaign.campaign_id,
                                                .trajectory_id = "",
                                                .after_row_id = campaign.first_row_id - 1,
                                                .limit = 1,
                                                .with_payload = true}));
  if (launch.empty()) return Json();
  auto payload = ParseJsonObject(launch[0].body.payload, "launch of campaign " + campaign.campaign_id);
  if (!payload) return DataCorrupt(payload.error().context);
  return payload.value()["prices"];
}

Json ListsOf(const ExportOptions& options) {
  Json lists = Json::MakeArray();
  for (const EvaluationList& list : options.evaluation_lists) {
    Sha256 sha;
    for (const std::string& mark : list.marks) sha.UpdateField(mark);
    lists.Push({{"source", list.source}, {"marks", list.marks.size()}, {"sha256", ToHex(sha.Finish())}});
  }
  return lists;
}

Json OptionsOf(const ExportOptions& options) {
  Json split = Json::MakeArray();
  for (const SplitPart& part : options.split) split.Push({{"name", part.name}, {"share", part.share}});
  return {{"campaigns", options.campaign_ids},
          {"turns", TrainedTurnsName(options.turns)},
          {"history_masked", options.history_masked},
          {"outcomes", List(options.outcomes)},
          {"barred_verdicts", List(options.barred_verdicts)},
          {"min_speedup", options.min_speedup},
          {"min_score", OrNull(options.min_score)},
          {"beats_inductor", options.beats_inductor},
          {"per_task", options.per_task > 0 ? Json(options.per_task) : Json()},
          {"max_tokens", OrNull(options.max_tokens)},
          {"excluded_tasks", List(options.excluded_tasks)},
          {"evaluation_lists", ListsOf(options)},
          {"split", std::move(split)}};
}

Json FilesOf(const ExportSummary& summary) {
  Json files = Json::MakeArray();
  for (const ExportedFile& file : summary.files) {
    files.Push({{"file", file.name},
                {"part", OrNull(std::string_view(file.part))},
                {"sha256", file.sha256},
                {"size_bytes", file.size_bytes},
                {"rows", file.rows}});
  }
  return files;
}

Json CountsOf(const std::map<std::string, std::vector<std::string>>& by_reason) {
  Json counts = Json::MakeObject();
  for (const auto& [reason, ids] : by_reason) counts.Set(reason, ids.size());
  return counts;
}

Json PairsOf(const std::vector<std::pair<std::string, std::string>>& pairs, const char* what) {
  Json list = Json::MakeArray();
  for (const auto& [name, why] : pairs) list.Push({{what, name}, {"why", why}});
  return list;
}

Json NotesOf(const ExportOptions& options, const ExportSummary& summary) {
  Json notes = Json::MakeArray();
  if (summary.rows < kFewestExamples) notes.Push("fewer than 10 rows: trainers usually refuse such a file");
  if (!summary.tasks_unknown.empty()) {
    notes.Push("the op sequence of " + std::to_string(summary.tasks_unknown.size()) + " of " +
               std::to_string(summary.tasks) +
               " tasks is not known (tasks.op_sequence_unknown): they were compared with the evaluation lists by name "
               "and content alone" +
               (options.split.empty() ? "" : ", and split by content, so that their like may lie in another part"));
  }
  if (options.history_masked) {
    notes.Push("only the last assistant turn of a row is meant to be trained: mask the history (LLaMA-Factory: "
               "mask_history: true)");
  }
  return notes;
}

}  // namespace

Result<Json> ReadSources(Reader* reader, const std::vector<CampaignState>& campaigns) {
  Json list = Json::MakeArray();
  for (const CampaignState& campaign : campaigns) {
    ASSIGN_OR_RETURN(Json prices, PricesOf(reader, campaign));
    list.Push({{"campaign_id", campaign.campaign_id},
               {"name", campaign.name},
               {"head", ToString(Head{campaign.campaign_id, campaign.head_seq, campaign.head_hash})},
               {"prices", std::move(prices)}});
  }
  return list;
}

std::string ManifestText(const ExportOptions& options, const ExportSummary& summary, Json sources, Json row_index) {
  const Exclusions& left_out = summary.left_out;
  Json manifest{{"schema", "passnet.export_manifest/2"},
                {"format", RowFormatName(options.format)},
                {"tool_version", options.tool_version},
                {"files", FilesOf(summary)},
                {"rows", summary.rows},
                {"options", OptionsOf(options)},
                {"campaigns", std::move(sources)},
                {"counts",
                 {{"trajectories", summary.trajectories},
                  {"exported", summary.exported},
                  {"excluded", CountsOf(left_out.trajectories)},
                  {"excluded_rows", CountsOf(left_out.rows)}}},
                {"excluded", left_out.trajectories},
                {"excluded_rows", left_out.rows},
                {"unreadable", PairsOf(left_out.unreadable, "trajectory_id")},
                {"tasks",
                 {{"exported", summary.tasks}, {"op_sequence_unknown", PairsOf(summary.tasks_unknown, "task")}}},
                {"row_index", std::move(row_index)},
                {"notes", NotesOf(options, summary)}};
  return manifest.Dump(1) + "\n";
}

}  // namespace passnet::trajectories
