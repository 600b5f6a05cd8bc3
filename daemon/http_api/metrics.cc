#include "daemon/http_api/metrics.h"

#include <map>
#include <vector>

#include "agent/campaign/launch.h"
#include "daemon/http_api/prometheus_text.h"
#include "daemon/http_api/routes.h"

namespace passnet::daemon {
namespace {

// Of all campaigns of the journal, so that the sums only grow.
void AddCampaigns(const std::vector<trajectories::CampaignState>& campaigns, PrometheusText* text) {
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

void AddTrajectories(const LoopFigures& loop, PrometheusText* text) {
  text->Family("passnet_campaigns_running", "gauge", "Campaigns that this daemon works on now.");
  text->Sample(loop.campaigns_running);
  text->Family("passnet_trajectories_under_way", "gauge", "Trajectories that this daemon works on now.");
  text->Sample(loop.trajectories.under_way);
  text->Family("passnet_trajectories_parked", "gauge", "Those that wait because the endpoint or the lanes do not work.");
  text->Sample(loop.trajectories.parked);
}

// A base URL alone would not do: two gates may differ by their keys.
PrometheusText::Labels LabelsOf(const agent::GateFacts& gate) {
  return {{"endpoint", gate.endpoint}, {"name", gate.name}};
}

void AddAttempts(const std::vector<agent::GateFacts>& gates, PrometheusText* text) {
  text->Family("passnet_llm_attempts_total", "counter", "Requests to an endpoint by how they ended, in this life.");
  for (const auto& gate : gates) {
    for (const auto& [end, count] : {std::pair("answered", gate.answered), std::pair("refused", gate.refused),
                                     std::pair("failed", gate.failed), std::pair("cut", gate.cut)}) {
      PrometheusText::Labels labels = LabelsOf(gate);
      labels.emplace_back("end", end);
      text->Sample(static_cast<int64_t>(count), labels);
    }
  }
  text->Family("passnet_llm_retries_total", "counter", "Requests that were not their call's first, in this life.");
  for (const auto& gate : gates) text->Sample(static_cast<int64_t>(gate.retries), LabelsOf(gate));
}

void AddGates(const std::vector<agent::GateFacts>& gates, PrometheusText* text) {
  text->Family("passnet_gate_open", "gauge", "0 while nothing is let through: failures, or the server asked for silence.");
  for (const auto& gate : gates) text->Sample(gate.outage ? 0 : 1, LabelsOf(gate));
  text->Family("passnet_gate_limit", "gauge", "Requests that may be in flight at a time.");
  for (const auto& gate : gates) text->Sample(gate.limit, LabelsOf(gate));
  text->Family("passnet_gate_in_flight", "gauge", "Requests in flight.");
  for (const auto& gate : gates) text->Sample(gate.in_flight, LabelsOf(gate));
  text->Family("passnet_gate_waiting", "gauge", "Calls that wait for a turn.");
  for (const auto& gate : gates) text->Sample(gate.waiting, LabelsOf(gate));
  text->Family("passnet_gate_paced_per_second", "gauge", "Requests a second, learnt from refusals; none while free.");
  for (const auto& gate : gates) {
    if (gate.paced_per_second) text->Real(*gate.paced_per_second, LabelsOf(gate));
  }
  text->Family("passnet_gate_silent_until_timestamp_seconds", "gauge", "Until when the server asked for silence, or 0.");
  for (const auto& gate : gates) text->Real(static_cast<double>(gate.silent_until_utc_us) / 1e6, LabelsOf(gate));
}

void AddVerdicts(const std::map<std::string, int64_t>& verdicts, PrometheusText* text) {
  text->Family("passnet_evaluations_total", "counter", "Evaluations of candidates by verdict.");
  for (const auto& [verdict, count] : verdicts) text->Sample(count, {{"verdict", verdict}});
}

void AddLanes(const agent::LanePoolFacts& lanes, PrometheusText* text) {
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

void AddJournal(const ApiPorts& ports, const LoopFigures& loop, PrometheusText* text) {
  text->Family("passnet_journal_last_row", "gauge", "The newest committed row.");
  text->Sample(ports.store->LastRowId());
  text->Family("passnet_journal_waiting", "gauge", "Appends that wait for the disk: full, read-only or locked.");
  text->Sample(loop.journal_waiting);
  text->Family("passnet_journal_degraded", "gauge", "1 while the journal takes nothing, or has lost something.");
  text->Sample(loop.journal_trouble.empty() ? 0 : 1);
  text->Family("passnet_quarantined", "gauge", "Trajectories and campaigns whose stored events cannot be read.");
  text->Sample(static_cast<int64_t>(loop.quarantined.size()));
  text->Family("passnet_journal_append_seconds", "histogram", "From handing over to being durable, in this life.");
  text->Histogram(ports.store->AppendTimes());
}

void AddHttp(const ApiPorts& ports, PrometheusText* text) {
  text->Family("passnet_event_streams", "gauge", "Event streams that are open.");
  text->Sample(ports.streams->taken());
  text->Family("passnet_http_requests_total", "counter", "Requests answered; route is empty where none was reached.");
  for (const auto& [key, count] : ports.counts->Read()) {
    text->Sample(count, {{"route", key.first}, {"status", std::to_string(key.second)}});
  }
}

}  // namespace

Result<std::string> MetricsText(const ApiPorts& ports, const LoopFigures& loop) {
  ASSIGN_OR_RETURN(auto reader, ports.readers->Borrow());
  ASSIGN_OR_RETURN(const auto campaigns, agent::AllCampaigns(*reader));
  ASSIGN_OR_RETURN(const auto verdicts, ports.verdicts->Read(*reader));
  PrometheusText text;
  AddCampaigns(campaigns, &text);
  AddVerdicts(verdicts, &text);
  AddTrajectories(loop, &text);
  AddAttempts(loop.gates, &text);
  AddGates(loop.gates, &text);
  AddLanes(ports.lanes->facts(), &text);
  AddJournal(ports, loop, &text);
  AddHttp(ports, &text);
  return text.Take();
}

}  // namespace passnet::daemon
