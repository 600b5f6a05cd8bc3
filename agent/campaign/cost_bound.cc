#include "agent/campaign/cost_bound.h"

#include <algorithm>
#include <set>

#include "agent/campaign/starting_points.h"
#include "base/json.h"
#include "passbench/task.h"
#include "prompts/prompt_folder.h"
#include "prompts/prompt_set.h"

namespace passnet::agent {
namespace {

// What prompts/refine_prompts.cc shows at most: a name or a cell, a source, graphs.
constexpr double kBytesOfCell = 300;
constexpr double kBytesOfOperator = 4 * kBytesOfCell + 60;
constexpr size_t kBytesOfSource = 16 << 10;
constexpr size_t kGraphsShown = 40;
constexpr double kOutputs = 8;  // of a graph; chosen: above any seen
// The longest feedback: 40 graphs with a reason of 1 KiB each, and the compiler's words.
constexpr double kBytesOfFeedback = 80 << 10;
// A folder to start from, and the names and fences of its files.
constexpr double kBytesOfStart = kMaxStartBytes + 32 * kBytesOfCell;

double BytesOf(const prompts::PromptTexts& texts, bool gpu_lane) {
  size_t bytes = 0;
  for (const auto& [name, text] : texts) {
    if (prompts::IsSentTo(name, gpu_lane)) bytes += text.size();
  }
  return static_cast<double>(bytes);
}

Result<double> FirstPromptBytes(const CampaignTask& task, double bytes_of_texts) {
  ASSIGN_OR_RETURN(passbench::Task loaded, passbench::LoadTask(task.path));
  double bytes = bytes_of_texts;
  std::set<std::string> sources;  // graphs of one source share its text and operators
  for (size_t i = 0; i < std::min(loaded.graphs.size(), kGraphsShown); ++i) {
    const passbench::Graph& graph = loaded.graphs[i];
    bytes += kBytesOfCell * (2 + kOutputs + static_cast<double>(graph.inputs.size()));
    if (!sources.insert(graph.model_source()).second) continue;
    bytes += static_cast<double>(std::min(graph.model_source().size(), kBytesOfSource)) +
             kBytesOfOperator * static_cast<double>(graph.ops().size());
  }
  return bytes;
}

}  // namespace

Result<CostBound> BoundOf(const CampaignSpec& spec, const std::vector<CampaignTask>& tasks) {
  CostBound bound;
  bound.tasks = static_cast<int64_t>(tasks.size());
  bound.trajectories = bound.tasks * spec.samples;
  bound.calls = bound.trajectories * spec.refine.rounds.rounds;
  const auto samples = static_cast<double>(spec.samples);
  const auto rounds = static_cast<double>(spec.refine.rounds.rounds);
  const auto reply = static_cast<double>(spec.refine.sampling.max_tokens);
  ASSIGN_OR_RETURN(const prompts::PromptTexts texts, prompts::PromptsFrom(spec.prompts));
  const double bytes_of_texts = BytesOf(texts, spec.refine.scoring.device != "cpu");
  for (const CampaignTask& task : tasks) {
    bound.names.push_back(task.name);
    ASSIGN_OR_RETURN(double first, FirstPromptBytes(task, bytes_of_texts));
    // Round r sends the first prompt again, and of each round before it the reply and what was said about it.
    const double later = (reply + kBytesOfFeedback) * rounds * (rounds - 1) / 2;
    bound.prompt_tokens += samples * (first * rounds + later);
    if (spec.restart == RestartKind::kBest) bound.prompt_tokens += (samples - 1) * kBytesOfStart * rounds;
    bound.completion_tokens += samples * rounds * reply;
  }
  const Prices& prices = spec.refine.prices;
  if (prices.known()) {
    bound.usd = (bound.prompt_tokens * *prices.prompt_usd_per_million +
                 bound.completion_tokens * *prices.completion_usd_per_million) / 1e6;
  }
  const double tokens = bound.prompt_tokens + bound.completion_tokens;
  const auto& limit = spec.budget;
  if (limit.total_tokens && static_cast<double>(*limit.total_tokens) < tokens) bound.limit_tokens = *limit.total_tokens;
  if (limit.total_usd && bound.usd && *limit.total_usd < *bound.usd) bound.limit_usd = *limit.total_usd;
  return bound;
}

std::string ToJson(const CostBound& bound, const CampaignSpec& spec) {
  return Json({{"schema", "passnet.campaign_plan/1"},
               {"tasks", bound.names},
               {"samples", spec.samples},
               {"rounds", spec.refine.rounds.rounds},
               {"trajectories", bound.trajectories},
               {"calls", bound.calls},
               {"prompt_tokens", bound.prompt_tokens},
               {"completion_tokens", bound.completion_tokens},
               {"usd", OrNull(bound.usd)},
               {"limit_tokens", OrNull(bound.limit_tokens)},
               {"limit_usd", OrNull(bound.limit_usd)},
               {"spec", ToJsonValue(spec)}})
      .Dump();
}

}  // namespace passnet::agent
