// What the journal is made of: one event a durable step of a campaign or trajectory. The payload is opaque bytes
// (JSON text that the agent makes, docs/formats.md); what queries and the state fold need stands in typed fields.
// Threads: immutable values.
// Errors: kInvalidArgument from Validate, naming the field.
// Source: docs/formats.md, "Journal": kinds, what each field means for a kind, and the bytes that a hash covers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"

namespace passnet::trajectories {

// Persisted by name (EventKindName), never by number. A file that holds a name unknown here was written by a newer
// program: reading it is an error.
enum class EventKind {
  // Of a campaign: trajectory_id is empty.
  kCampaignLaunched,  // subject = campaign name; payload = all that the campaign pins
  kCampaignTask,      // subject = task; refs "file:<path>": what a measurement of it depends on
  kCampaignState,     // label = running | paused | cancelled | finished | failed
  kCampaignHead,      // written by Store alone: chains heads of trajectories into the campaign's chain
  // Of either.
  kEnvironment,       // payload = host, versions, sandbox layers, git hash
  kOperatorAction,    // label = what the operator did
  kBudget,            // label = reserve | settle | refuse | …
  kInfra,             // label = infra_* class: our side failed
  // Of a trajectory.
  kTrajectoryStarted,  // subject = task; label = which sample of it
  kPromptRendered,
  kLlmIntent,          // subject = call id, ref "request"; durable before the first attempt
  kLlmAttempt,         // subject = call id; durable before the attempt is sent
  kLlmAttemptEnd,      // subject = call id; label = how an attempt that did not settle the call ended
  kLlmOutcome,         // subject = call id, ref "reply" (raw bytes); label = outcome class; usage
  kLlmLost,            // subject = call id: sent, no complete reply known; settled at the reservation
  kReplyParsed,        // label = ok | format_error | done
  kCandidate,          // subject = hash of pass_dir, refs "file:<name>"
  kCompile,            // label = ok | failed
  kEvaluationIntent,   // subject = evaluation id; label = purpose
  kEvaluationReport,   // subject = evaluation id; label = verdict; score; payload = passnet.evaluation/1
  kEvaluationInfra,    // subject = evaluation id; label = infra_*: no report came, may be asked again
  kFeedback,
  kToolCall,           // subject = tool call id
  kToolResult,         // subject = tool call id
  kBaseline,           // subject = task; label = compiler; payload = passnet.baseline/1: what the report shows beside
  kTrajectoryFinished,  // label = outcome; score = final score; round = winning round; subject = hash of pass_dir
};

std::string_view EventKindName(EventKind kind);
std::optional<EventKind> EventKindFromName(std::string_view name);
// True for kinds that may stand in a campaign's own chain.
bool IsCampaignKind(EventKind kind);
bool IsTrajectoryKind(EventKind kind);

// Names content that the event stands on; the content itself is stored once, by its SHA-256.
struct ContentRef {
  std::string name;  // "request", "reply", "file:<name>", …
  Sha256Digest sha256;
};

// What a caller says. The store adds row id, seq, time and hashes.
struct EventDraft {
  std::string campaign_id;
  std::string trajectory_id;  // empty: an event of the campaign itself
  EventKind kind = EventKind::kInfra;
  std::string subject;
  std::string label;
  std::optional<int64_t> round;  // 1 = the first
  std::optional<double> score;   // finite
  std::optional<int64_t> prompt_tokens;
  std::optional<int64_t> completion_tokens;
  std::optional<int64_t> cost_microusd;
  std::vector<ContentRef> refs;
  std::string payload;
};

// As stored.
struct Event {
  int64_t row_id = 0;     // global, 1..n without gaps, in the order of commits
  int64_t seq = 0;        // in its chain (campaign or trajectory), 1..n
  int64_t at_utc_us = 0;  // microseconds since 1970 UTC
  EventDraft body;        // payload empty when the query did not ask for it
  Sha256Digest payload_sha256{};
  Sha256Digest prev_hash{};  // of the chain's previous event; zeros for the first
  Sha256Digest hash{};
};

// SHA-256 over every field above but `hash` and the payload itself (its digest stands for it), each with its length in
// front, so that no field can flow into its neighbour.
Sha256Digest HashOf(const Event& event);

// Names what is wrong: an empty id, a kind in the wrong chain, an overlong field, a score that is no number.
Status Validate(const EventDraft& draft);

}  // namespace passnet::trajectories
