#include "daemon/http_api/metrics.h"

#include <initializer_list>
#include <map>
#include <utility>
#include <vector>

#include "agent/campaign/launch.h"
#include "base/text.h"
#include "daemon/http_api/routes.h"

namespace passnet::daemon {
namespace {

class MetricsWriter {
 public:
  using Labels = std::initializer_list<std::pair<const char*, std::string>>;

  // `type` is "counter" or "gauge". Samples follow until the next family.
  void Family(const char* name, const char* type, const char* help) {
    name_ = name;
    text_ += "# HELP " + name_ + " " + help + "\n# TYPE " + name_ + " " + type + "\n";
  }
  void Sample(int64_t value, Labels labels = {}) {
    text_ += name_;
    char before = '{';
    for (const auto& [label, content] : labels) {
      text_ += before + std::string(label) + "=\"" + EscapedLabel(content) + "\"";
      before = ',';
    }
    text_ += (labels.size() > 0 ? "} " : " ") + std::to_string(value) + "\n";
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

// Of all campaigns of the journal, so that the sums only grow.
void AddCampaigns(const std::vector<trajectories::CampaignState>& campaigns, MetricsWriter* text) {
  std::map<std::string, int64_t> states;
  trajectories::UsageTotals usage;
  int64_t started = 0, finished = 0;
  for (const auto& campaign : campaigns) {
    ++states[campaign.state];
    started += campaign.trajectories_started;
    finished += campaign.trajectories_finished;
    usage.calls += campaign.usage.calls;
    usage.calls_lost += campaign.usage.calls_lost;
    usage.prompt_tokens += campaign.usage.prompt_tokens;
    usage.completion_tokens += campaign.usage.completion_tokens;
    usage.cost_microusd += campaign.usage.cost_microusd;
  }
  text->Family("passnet_campaigns", "gauge", "Campaigns of the journal by state.");
  for (const auto& [state, count] : states) text->Sample(count, {{"state", state}});
  text->Family("passnet_trajectories_started_total", "counter", "Trajectories begun.");
  text->Sample(started);
  text->Family("passnet_trajectories_finished_total", "counter", "Trajectories ended, whatever their outcome.");
  text->Sample(finished);
  text->Family("passnet_llm_calls_total", "counter", "Calls of models begun.");
  text->Sample(usage.calls);
  text->Family("passnet_llm_calls_lost_total", "counter", "Calls whose reply was lost; they may have been billed.");
  text->Sample(usage.calls_lost);
  text->Family("passnet_llm_tokens_total", "counter", "Tokens of all attempts that were or may have been billed.");
  text->Sample(usage.prompt_tokens, {{"kind", "prompt"}});
  text->Sample(usage.completion_tokens, {{"kind", "completion"}});
  text->Family("passnet_llm_cost_microusd_total", "counter",
               "What these cost by the campaigns' prices, in millionths of a dollar.");
  text->Sample(usage.cost_microusd);
}

void AddLanes(const agent::LanePoolFacts& lanes, MetricsWriter* text) {
  text->Family("passnet_lane_process_state", "gauge", "1 for the state that an evaluator is in.");
  for (const auto& process : lanes.processes) {
    text->Sample(1, {{"process", process.name}, {"lane", process.lane}, {"state", process.state}});
  }
  text->Family("passnet_lane_served_total", "counter", "Requests that an evaluator has answered.");
  for (const auto& process : lanes.processes) {
    text->Sample(process.served, {{"process", process.name}, {"lane", process.lane}});
  }
  text->Family("passnet_lane_starts_total", "counter", "How often an evaluator was started.");
  for (const auto& process : lanes.processes) {
    text->Sample(process.starts, {{"process", process.name}, {"lane", process.lane}});
  }
  int64_t waiting = 0;
  for (const auto& [campaign, requests] : lanes.waiting) waiting += requests;
  text->Family("passnet_lane_waiting", "gauge", "Requests that wait for an evaluator.");
  text->Sample(waiting);
  text->Family("passnet_lane_outage", "gauge", "1 while no evaluator can serve.");
  text->Sample(lanes.outage ? 1 : 0);
}

void AddJournal(const ApiPorts& ports, const LoopFigures& loop, MetricsWriter* text) {
  text->Family("passnet_journal_last_row", "gauge", "The newest committed row.");
  text->Sample(ports.store->LastRowId());
  text->Family("passnet_journal_waiting", "gauge", "Appends that wait for the disk: full, read-only or locked.");
  text->Sample(loop.journal_waiting);
  text->Family("passnet_journal_degraded", "gauge", "1 while the journal takes nothing, or has lost something.");
  text->Sample(loop.journal_trouble.empty() ? 0 : 1);
  text->Family("passnet_quarantined", "gauge", "Trajectories and campaigns whose stored events cannot be read.");
  text->Sample(loop.quarantined.size());
}

void AddHttp(const ApiPorts& ports, MetricsWriter* text) {
  text->Family("passnet_event_streams", "gauge", "Event streams that are open.");
  text->Sample(ports.streams->taken());
  text->Family("passnet_http_requests_total", "counter", "Requests answered; route is empty where none was reached.");
  for (const auto& [key, count] : ports.counts->Read()) {
    text->Sample(count, {{"route", key.first}, {"status", std::to_string(key.second)}});
  }
}

}  // namespace

std::string EscapedLabel(std::string_view value) {
  std::string escaped;
  for (char c : ReplaceInvalidUtf8(value)) {
    if (c == '\\' || c == '"') escaped += '\\';
    if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

Result<std::string> MetricsText(const ApiPorts& ports, const LoopFigures& loop) {
  ASSIGN_OR_RETURN(auto reader, ports.readers->Borrow());
  ASSIGN_OR_RETURN(const auto campaigns, agent::AllCampaigns(*reader));
  MetricsWriter text;
  AddCampaigns(campaigns, &text);
  text.Family("passnet_campaigns_running", "gauge", "Campaigns that this daemon works on now.");
  text.Sample(loop.campaigns_running);
  AddLanes(ports.lanes->facts(), &text);
  AddJournal(ports, loop, &text);
  AddHttp(ports, &text);
  return text.Take();
}

}  // namespace passnet::daemon
