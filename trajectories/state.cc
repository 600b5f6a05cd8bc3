#include "trajectories/state.h"

#include <algorithm>

namespace passnet::trajectories {
namespace {

void AddUsage(const EventDraft& body, UsageTotals* totals) {
  switch (body.kind) {
    case EventKind::kLlmIntent:
      ++totals->calls;
      return;
    case EventKind::kLlmLost:
      ++totals->calls_lost;
      break;
    case EventKind::kLlmOutcome:
    case EventKind::kLlmAttemptEnd:
      break;
    default:
      return;
  }
  totals->prompt_tokens += body.prompt_tokens.value_or(0);
  totals->completion_tokens += body.completion_tokens.value_or(0);
  totals->cost_microusd += body.cost_microusd.value_or(0);
}

void AddReport(const EventDraft& body, TrajectoryState* state) {
  ++state->evaluations;
  bool better = body.score && (!state->best_score || *body.score > *state->best_score);
  if (better) {
    state->best_score = body.score;
    state->best_round = body.round;
  }
  if (better || !state->best_score) state->verdict = body.label;
}

}  // namespace

void Apply(const Event& event, CampaignState* state) {
  const EventDraft& body = event.body;
  state->updated_at_utc_us = event.at_utc_us;
  AddUsage(body, &state->usage);
  if (body.trajectory_id.empty()) {
    state->head_seq = event.seq;
    state->head_hash = event.hash;
  }
  switch (body.kind) {
    case EventKind::kCampaignLaunched:
      state->campaign_id = body.campaign_id;
      state->name = body.subject;
      state->state = "launched";
      state->launched_at_utc_us = event.at_utc_us;
      state->first_row_id = event.row_id;
      break;
    case EventKind::kCampaignState:
      state->state = body.label;
      break;
    case EventKind::kTrajectoryStarted:
      ++state->trajectories_started;
      break;
    case EventKind::kTrajectoryFinished:
      ++state->trajectories_finished;
      break;
    default:
      break;
  }
}

void Apply(const Event& event, TrajectoryState* state) {
  const EventDraft& body = event.body;
  state->updated_at_utc_us = event.at_utc_us;
  state->head_seq = event.seq;
  state->head_hash = event.hash;
  AddUsage(body, &state->usage);
  switch (body.kind) {
    case EventKind::kTrajectoryStarted:
      state->trajectory_id = body.trajectory_id;
      state->campaign_id = body.campaign_id;
      state->task = body.subject;
      state->state = "running";
      state->started_at_utc_us = event.at_utc_us;
      state->first_row_id = event.row_id;
      break;
    case EventKind::kEvaluationReport:
      AddReport(body, state);
      break;
    case EventKind::kTrajectoryFinished:
      state->state = "finished";
      state->outcome = body.label;
      state->final_score = body.score;
      state->final_subject = body.subject;
      return;  // its round is the winner's, not a further one
    default:
      break;
  }
  state->rounds = std::max(state->rounds, body.round.value_or(0));
}

}  // namespace passnet::trajectories
